import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { add, mul, sub } from "../ir/ops/elementwise.js";
import { matMul } from "../ir/ops/matmul.js";
import { gather, reshape } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { sumWindows } from "./pooling.js";
import type { Windows } from "./windows.js";

interface Attributes {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** What one row of the result is made of: rows `low` and `high` of the image, mixed as low + (high - low) * fraction. */
interface Mix {
  readonly low: number;
  readonly high: number;
  readonly fraction: number;
}

/** How many rows of the image one row of the result is. */
function ratioOf(image: number, result: number, alignCorners: boolean): number {
  return alignCorners && result > 1 ? (image - 1) / (result - 1) : image / result;
}

/** tfjs' own arithmetic, so that ties fall to the same side. */
function nearest(image: number, result: number, { alignCorners, halfPixelCenters }: Attributes): readonly Mix[] {
  const ratio = ratioOf(image, result, alignCorners);
  return Array.from({ length: result }, (_, row) => {
    const place = halfPixelCenters ? ratio * (row + 0.5) : ratio * row;
    const low = Math.min(image - 1, alignCorners ? Math.round(place) : Math.floor(place));
    return { low, high: low, fraction: 0 };
  });
}

function bilinear(image: number, result: number, { alignCorners, halfPixelCenters }: Attributes): readonly Mix[] {
  const ratio = ratioOf(image, result, alignCorners);
  return Array.from({ length: result }, (_, row) => {
    const place = halfPixelCenters ? ratio * (row + 0.5) - 0.5 : ratio * row;
    const low = Math.max(0, Math.floor(place));
    // A place before the first row has a fraction below 0, of two rows that are the same.
    return { low, high: Math.max(0, Math.min(image - 1, Math.ceil(place))), fraction: place - low };
  });
}

/** Along one dimension. */
function resample(g: GraphBuilder, x: Value, mixes: readonly Mix[], dimension: number): Value {
  const rows = (indices: readonly number[]): Value =>
    gather(g, x, g.constant(Int32Array.from(indices), "int32", [indices.length]), dimension);
  const low = rows(mixes.map((mix) => mix.low));
  if (mixes.every((mix) => mix.fraction === 0 || mix.low === mix.high)) return low;
  const high = rows(mixes.map((mix) => mix.high));
  const shape = x.shape.map((_, index) => (index === dimension ? mixes.length : 1));
  const fractions = g.constant(
    Float32Array.from(mixes, ({ fraction }) => fraction),
    "float32",
    shape,
  );
  return add(g, low, mul(g, sub(g, high, low), fractions));
}

/**
 * The gradient of `resample`: a product with the transposed matrix of its weights.
 * @param image rows of the image
 */
function unsample(g: GraphBuilder, dy: Value, mixes: readonly Mix[], image: number, dimension: number): Value {
  const result = mixes.length;
  const weights = new Float32Array(image * result);
  const put = (row: number, column: number, weight: number): void => {
    weights[row * result + column] = (weights[row * result + column] ?? 0) + weight;
  };
  for (const [column, { low, high, fraction }] of mixes.entries()) {
    put(low, column, 1 - fraction);
    put(high, column, fraction);
  }
  // [image, result] times [..., result, everything behind].
  const inner = dy.shape.slice(dimension + 1).reduce((product, extent) => product * extent, 1);
  const outer = dy.shape.slice(0, dimension);
  const rows = reshape(g, dy, [...outer, result, inner]);
  const matrix = g.constant(weights, "float32", [image, result]);
  return reshape(g, matMul(g, matrix, rows), dy.shape.with(dimension, image));
}

type Mixing = (image: number, result: number, attrs: Attributes) => readonly Mix[];

function resize(mixing: Mixing): KernelTable[string] {
  return kernel<Tf.ResizeBilinearAttrs>(({ g, attrs, input }) => {
    const x = input("images");
    const [, height = 0, width = 0] = x.shape;
    const [newHeight, newWidth] = attrs.size;
    const rows = resample(g, x, mixing(height, newHeight, attrs), 1);
    return resample(g, rows, mixing(width, newWidth, attrs), 2);
  });
}

/** The true gradient. (tfjs 4.22 mixes up images of a batch in one of these kernels, and height and width in the other.) */
function resizeGradient(mixing: Mixing): KernelTable[string] {
  return kernel<Tf.ResizeBilinearGradAttrs>(({ g, attrs, input }) => {
    const dy = input("dy");
    const [, height = 0, width = 0] = input("images").shape;
    const [, newHeight = 0, newWidth = 0] = dy.shape;
    const [rows, columns] = [mixing(height, newHeight, attrs), mixing(width, newWidth, attrs)];
    if (isRepetition(rows, height) && isRepetition(columns, width)) {
      return sumWindows(g, dy, [blocks(height, newHeight), blocks(width, newWidth)]);
    }
    return unsample(g, unsample(g, dy, rows, height, 1), columns, width, 2);
  });
}

/** Every row of the image stands in the result equally often, one after the other. */
function isRepetition(mixes: readonly Mix[], image: number): boolean {
  const times = mixes.length / image;
  return (
    mixes.every(
      ({ low, high, fraction }, row) => (fraction === 0 || low === high) && low === Math.floor(row / times),
    ) && Number.isInteger(times)
  );
}

function blocks(image: number, result: number): Windows[number] {
  const times = result / image;
  return { input: result, output: image, size: times, stride: times, dilation: 1, before: 0 };
}

/** Images of other sizes. */
export const resizeKernels: KernelTable = {
  ResizeNearestNeighbor: resize(nearest),
  ResizeNearestNeighborGrad: resizeGradient(nearest),
  ResizeBilinear: resize(bilinear),
  ResizeBilinearGrad: resizeGradient(bilinear),
};
