import { add, mul, unary } from "../ir/ops/elementwise.js";
import { expand, reshape, slice } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { centred } from "./elementwise.js";
import { formOf, isBlocked, valueOf, vectorOf } from "./forms.js";
import { meansOfBatch, meansOfPictures, type Blocks } from "./operators.js";
import { beforeSpread } from "./pooled-masks.js";

/**
 * The sum or mean over places, of all rows or of each: global poolings of tensors and of their products, which are shared, and arithmetic
 * on vectors. A normalisation's gradient comes down to a few of these.
 */
export function blockedReduction(
  b: Blocks,
  op: "sum" | "mean",
  x: Value,
  axes: readonly number[],
  keepDims: boolean,
): Value | undefined {
  if (!isBlocked(x)) return undefined;
  const isOverRows = axes.length === 3 && [0, 1, 2].every((axis) => axes.includes(axis));
  const isOverPlaces = axes.length === 2 && [1, 2].every((axis) => axes.includes(axis));
  if (!isOverRows && !isOverPlaces) return undefined;
  const pooled = op === "sum" ? beforeSpread(x) : undefined;
  if (pooled !== undefined) return blockedReduction(b, op, pooled, axes, keepDims);
  const { g } = b;
  const [rows = 0, height = 0, width = 0, channels = 0] = x.shape;
  const count = (isOverRows ? rows : 1) * height * width;
  const result = isOverRows ? [channels] : [rows, channels];
  const scaled = (mean: Value, scale: Value | undefined): Value => {
    const whole = op === "mean" ? mean : mul(g, mean, g.scalar(count));
    return scale === undefined ? whole : mul(g, whole, scale);
  };
  const meanOf = (tensor: Value): Value => {
    if (isOverRows) return slice(g, meansOfBatch(b, tensor), [{ axis: 0, start: 0, end: channels }]);
    const [batch = 0, padded = 0] = tensor.shape;
    return slice(g, reshape(g, meansOfPictures(b, tensor), [batch, padded]), [{ axis: 1, start: 0, end: channels }]);
  };
  const form = formOf(b, x);
  const parts =
    form.kind === "product"
      ? [scaled(meanOf(mul(g, form.x, form.y)), form.scale)]
      : form.terms.map(({ tensor, scale }) => scaled(meanOf(tensor), scale));
  if (form.kind === "sum" && form.shift !== undefined) {
    const shift = op === "mean" ? form.shift : mul(g, form.shift, g.scalar(count));
    parts.push(expand(g, shift, result));
  }
  const [first, ...others] = parts;
  if (first === undefined) return undefined;
  const sum = others.reduce((all, part) => add(g, all, part), first);
  const shape = x.shape.flatMap((extent, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [extent]));
  return reshape(g, sum, shape);
}

/** (x - mean) / sqrt(variance + epsilon) * scale + offset */
export function blockedNormalisation(
  b: Blocks,
  x: Value,
  [mean, variance]: readonly [Value, Value],
  [scale, offset]: readonly [Value | undefined, Value | undefined],
  epsilon: number,
): Value | undefined {
  if (!isBlocked(x)) return undefined;
  const { g } = b;
  const channels = x.shape[3] ?? 0;
  const vector = (value: Value): Value | undefined => vectorOf(b, value, channels);
  const [middle, spread] = [vector(mean), vector(variance)];
  const [factor, shift] = [scale && vector(scale), offset && vector(offset)];
  const isMissing = (scale !== undefined && factor === undefined) || (offset !== undefined && shift === undefined);
  if (middle === undefined || spread === undefined || isMissing) return undefined;
  const inverse = unary(g, "Reciprocal", unary(g, "Sqrt", add(g, spread, g.scalar(epsilon))));
  const form = formOf(b, centred(b, x, middle));
  const [term] = form.kind === "sum" ? form.terms : [];
  if (term === undefined) return undefined;
  const scaled = { tensor: term.tensor, scale: factor === undefined ? inverse : mul(g, factor, inverse) };
  return valueOf(b, { kind: "sum", channels, terms: [scaled], shift }, x.shape);
}
