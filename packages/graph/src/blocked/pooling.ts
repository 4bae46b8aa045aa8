import { cast, compare, mul, sub, sum } from "../ir/ops/elementwise.js";
import type { Value } from "../ir/types.js";
import type { WindowAxis, Windows } from "../kernels/windows.js";
import { blockedAxes } from "./convolve.js";
import { blockedMul, blockedStep } from "./elementwise.js";
import { extract, interleaveBlocked, type Extraction } from "./extract.js";
import { isBlocked, tensorOfValue, valueOfTensor } from "./forms.js";
import { blockedPool, type Blocks } from "./operators.js";
import { rememberPooled, rememberSpread } from "./pooled-masks.js";

/** Maxima or means of windows, where the picture is in blocks already. */
export function blockedPooling(
  b: Blocks,
  op: "MaxPool" | "AveragePool",
  x: Value,
  windows: Windows,
): Value | undefined {
  const axes = poolAxes(windows);
  if (!isBlocked(x) || axes === undefined) return undefined;
  const size = windows.map((axis) => axis.size);
  return valueOfTensor(b, blockedPool(b, op, tensorOfValue(b, x), size, axes), x.shape[3] ?? 0);
}

/** onnxruntime wants every window to have an element. */
function poolAxes(windows: Windows): ReturnType<typeof blockedAxes> {
  const axes = blockedAxes(windows);
  const fits = axes?.every(({ pads }, index) => pads.every((each) => each < (windows[index]?.size ?? 0)));
  return fits === true ? axes : undefined;
}

/**
 * The gradient of a maximum goes to the first element of its window that equals it, row by row: first along rows of windows, of which
 * each row has a maximum, then along columns.
 */
export function blockedMaxGradient(b: Blocks, dy: Value, x: Value, y: Value, windows: Windows): Value | undefined {
  const [rows, columns] = windows;
  if (!isBlocked(x) || rows === undefined || columns === undefined || poolAxes(windows) === undefined) return undefined;
  if (!isWithin(rows) || !isWithin(columns)) return undefined;
  const picture = tensorOfValue(b, x);
  const unit = { stride: 1, pads: [0, 0] } as const;
  const { stride } = columns;
  const behind = Math.max(0, (columns.output - 1) * stride + columns.size - columns.input);
  const ofRows = blockedPool(b, "MaxPool", picture, [1, columns.size], [unit, { stride, pads: [0, behind] }]);
  const spread = (gradient: Value): Value => {
    const down = share(b, tensorOfValue(b, gradient), ofRows, tensorOfValue(b, y), rows, 2);
    return valueOfTensor(b, share(b, down, picture, ofRows, columns, 3), x.shape[3] ?? 0);
  };
  const masked = (): Value => {
    const small = positiveOnly(b, dy, y);
    const large = spread(small);
    rememberSpread(large, small);
    return large;
  };
  const gradient = spread(dy);
  // Windows of a single element spread nothing.
  const isSpread = [rows, columns].some(({ size }) => size > 1);
  if (isSpread) rememberPooled(gradient, { of: picture, masked });
  return gradient;
}

function positiveOnly(b: Blocks, dy: Value, y: Value): Value {
  const mask = blockedStep(b, y);
  const product = mask && blockedMul(b, dy, mask);
  if (product === undefined) throw new Error("maxima that are not in blocks");
  return product;
}

/** No tap but the last one lies outside: what is taken for it does not matter, because it gets what is left. */
function isWithin({ before, input, output, size, stride }: WindowAxis): boolean {
  return before === 0 && (output - 1) * stride + size - 1 <= input;
}

/** Divides a gradient among the taps of windows along one dimension, and puts each part where its tap lies. */
function share(b: Blocks, dy: Value, of: Value, maximum: Value, axis: WindowAxis, dimension: 2 | 3): Value {
  const { g } = b;
  let rest = dy;
  const parts = Array.from({ length: axis.size }, (_, tap) => {
    if (tap === axis.size - 1) return rest;
    const { stride, output } = axis;
    const element =
      tap === 0
        ? firstOfWindows(b, of, axis, dimension)
        : extractAlong(b, of, { offset: tap, length: output, stride }, dimension);
    const part = mul(g, rest, cast(g, compare(g, "Equal", element, maximum), "float32"));
    rest = sub(g, rest, part);
    return part;
  });
  return place(b, parts, axis, dimension);
}

/** A maximum of one element each is the fastest copy of every stride-th one. */
function firstOfWindows(b: Blocks, tensor: Value, { input, output, stride }: WindowAxis, dimension: 2 | 3): Value {
  const exact = Math.floor((input - 1) / stride) + 1;
  if (exact !== output) return extractAlong(b, tensor, { offset: 0, length: output, stride }, dimension);
  if (stride === 1) return tensor;
  const steps = [dimension === 2 ? stride : 1, dimension === 3 ? stride : 1];
  return blockedPool(
    b,
    "MaxPool",
    tensor,
    [1, 1],
    steps.map((each) => ({ stride: each, pads: [0, 0] })),
  );
}

function extractAlong(b: Blocks, tensor: Value, extraction: Extraction, dimension: 2 | 3): Value {
  const [, , height = 0, width = 0] = tensor.shape;
  const whole = (length: number): Extraction => ({ offset: 0, length });
  return dimension === 2 ? extract(b, tensor, extraction, whole(width)) : extract(b, tensor, whole(height), extraction);
}

/** Parts for every tap of windows, put where the taps lie; what meets is added up. The tensor's form of `placeAlong`. */
function place(b: Blocks, parts: readonly Value[], axis: WindowAxis, dimension: 2 | 3): Value {
  const { input, output, size, stride, before } = axis;
  const length = output + Math.floor((size - 1) / stride);
  const lanes = Array.from({ length: stride }, (_, lane) =>
    parts.flatMap((part, tap) =>
      tap % stride === lane ? [extractAlong(b, part, { offset: -Math.floor(tap / stride), length }, dimension)] : [],
    ),
  );
  const some = lanes.flat()[0];
  if (some === undefined) throw new Error("windows without taps");
  const sums = lanes.map((lane) => (lane.length === 0 ? b.g.splat(0, "float32", some.shape) : sum(b.g, lane)));
  const whole = interleaveBlocked(b, sums, dimension);
  return extractAlong(b, whole, { offset: before, length: input }, dimension);
}

/** As tfjs computes it: at the border too it divides by all taps of a window. */
export function blockedMeanGradient(b: Blocks, dy: Value, x: Value, windows: Windows): Value | undefined {
  const [rows, columns] = windows;
  if (!isBlocked(x) || rows === undefined || columns === undefined || poolAxes(windows) === undefined) return undefined;
  const divided = mul(b.g, tensorOfValue(b, dy), b.g.scalar(Math.fround(1 / (rows.size * columns.size))));
  const everywhere = (tensor: Value, axis: WindowAxis, dimension: 2 | 3): Value =>
    place(
      b,
      Array.from({ length: axis.size }, () => tensor),
      axis,
      dimension,
    );
  return valueOfTensor(b, everywhere(everywhere(divided, rows, 2), columns, 3), dy.shape[3] ?? 0);
}
