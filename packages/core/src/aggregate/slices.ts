import { blockBytes } from "../codec/block-sums.js";
import type { JobSpec } from "../schema/job.js";
import { bytesPerElement, sizeOf, tensorOf, viewOf, type DType, type NamedTensors, type Tensor } from "../tensors.js";

/**
 * What one parameter-server function is to read in one round: about 13 s at the 80 MB/s that a function of Lambda has. More is shared
 * out to several.
 */
const bytesPerFunction = 2 ** 30;
/** What one function is to hold of a model, in float32: it needs some seven times as much. */
const maxSliceBytes = 64 * 2 ** 20;
/** Smaller pieces are not worth a request each. */
const minSliceBytes = blockBytes;
/** So many functions a queue starts within a minute or two. */
const maxSlices = 256;

/**
 * How many functions average a round of a job, each of them one slice of all deltas: 1 for all but big models and very many executors.
 * Part of the spec from submission on, because keys and records of its rounds follow from it.
 */
export function slicesOf({
  partitions,
  weightBytes,
}: {
  readonly partitions: number;
  readonly weightBytes: number;
}): number {
  const byTime = Math.ceil((partitions * weightBytes) / bytesPerFunction);
  const byMemory = Math.ceil(weightBytes / maxSliceBytes);
  const useful = Math.floor(weightBytes / minSliceBytes);
  return Math.max(1, Math.min(Math.max(byTime, byMemory), useful, maxSlices));
}

/**
 * In how many slices a job's rounds are averaged. Late deltas that count in the next round keep a job in one: should one of them be
 * damaged, nobody makes it anew, and a plan of slices that counts on it could never be carried out.
 */
export function slicesIn({ slices = 1, training }: Pick<JobSpec, "slices" | "training">): number {
  return training.quorum < 1 && training.lateDeltas === "merge" ? 1 : slices;
}

/** What a tensor is without its numbers. */
export interface TensorLayout {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** The part of a tensor that lies in a slice. */
export interface Piece extends TensorLayout {
  /** Elements `from` ... `to - 1` of the whole tensor. */
  readonly from: number;
  readonly to: number;
  /** Where its bytes lie among those of all tensors, half open. */
  readonly begin: number;
  readonly end: number;
}

export function layoutOf(tensors: NamedTensors): readonly TensorLayout[] {
  return [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}

export function bytesOf(layout: readonly TensorLayout[]): number {
  return layout.reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement[dtype], 0);
}

/**
 * Cuts tensors that lie one behind the other into slices of about the same number of bytes, never within an element. Every element is in
 * exactly one slice, and so is every tensor without elements; with more slices than elements some are empty.
 * @returns the pieces of one slice, in the order of the layout: one run of bytes
 */
export function piecesOf(layout: readonly TensorLayout[], slices: number, slice: number): readonly Piece[] {
  const total = bytesOf(layout);
  const [first, last] = [cutAt(total, slices, slice), cutAt(total, slices, slice + 1)];
  let begin = 0;
  return layout.flatMap((tensor) => {
    const elementBytes = bytesPerElement[tensor.dtype];
    const count = sizeOf(tensor.shape);
    const at = begin;
    begin += count * elementBytes;
    const elementAt = (byte: number): number => Math.min(count, Math.max(0, Math.ceil((byte - at) / elementBytes)));
    const [from, to] = [elementAt(first), elementAt(last)];
    const isLast = slice === slices - 1;
    const isHere = count === 0 ? at >= first && (at < last || isLast) : from < to;
    const range = { begin: at + from * elementBytes, end: at + to * elementBytes };
    return isHere ? [{ ...tensor, from, to, ...range }] : [];
  });
}

/**
 * The pieces out of the bytes of all tensors, flat; views where alignment allows.
 * @param bytes those from byte `start` on, with all of the pieces
 */
export function piecesIn(bytes: Uint8Array, start: number, pieces: readonly Piece[]): NamedTensors {
  return new Map(
    pieces.map(({ name, dtype, from, to, begin }) => {
      const length = (to - from) * bytesPerElement[dtype];
      const at = begin - start;
      const isAligned = (bytes.byteOffset + at) % bytesPerElement[dtype] === 0;
      // Not `slice`: a Buffer's is a view.
      const part = isAligned ? bytes.subarray(at, at + length) : new Uint8Array(bytes.subarray(at, at + length));
      return [name, tensorOf(viewOf(dtype, part.buffer, part.byteOffset, to - from), [to - from])];
    }),
  );
}

/** At a block of which there is a checksum, where slices are large: whole blocks are read. */
function cutAt(total: number, slices: number, cut: number): number {
  const at = Math.floor((total * cut) / slices);
  return cut === slices || total < slices * blockBytes ? at : at - (at % blockBytes);
}

/** Cuts the pieces out of whole tensors, as views. Pieces are flat. */
export function cutPieces(tensors: NamedTensors, pieces: readonly Piece[]): NamedTensors {
  return new Map(
    pieces.flatMap(({ name, from, to }): [string, Tensor][] => {
      const tensor = tensors.get(name);
      return tensor === undefined ? [] : [[name, tensorOf(tensor.data.subarray(from, to), [to - from])]];
    }),
  );
}
