import { blockBytes } from "../codec/block-sums.js";
import { groupsIn, largestGroup } from "./groups.js";
import type { JobSpec } from "../schema/job.js";
import { bytesPerElement, sizeOf, tensorOf, viewOf, type DType, type NamedTensors, type Tensor } from "../tensors.js";

/** As many bytes of deltas, and as large a model, one function adds up while the deltas come in. More is shared out to several. */
const maxWholeBytes = 256 * 2 ** 20;
const maxWholeWeightBytes = 64 * 2 ** 20;
/** What one function reads of the deltas of a group, or of the sums of all groups: 0.7 s at the 75 MB/s that a function of Lambda has. */
const readBytes = 48 * 2 ** 20;
/** A float64 for each float32. */
const sumBytesPerByte = 2;
/** Smaller parts are not worth a request each. */
const minPartBytes = blockBytes;
/** So many functions for each group are started in a fraction of a second. */
const maxParts = 256;
/** Every executor of the next round reads every slice: few and large ones, but none that takes its function long. */
const sliceBytes = 8 * 2 ** 20;
/** A slice is in the memory of one function. */
const maxSliceBytes = 64 * 2 ** 20;
const fewSlices = 64;

/** How a round's deltas are averaged by several functions. */
export interface Slicing {
  /** In so many objects the weights are stored. */
  readonly slices: number;
  /** In so many parts they are added up: a multiple of the slices. */
  readonly parts: number;
}

/**
 * How many functions average a round of a job: one (in one slice of one part) for all but big models and very many executors. Part of the
 * spec from submission on, because keys and records of its rounds follow from it.
 */
export function slicingOf({
  partitions,
  weightBytes,
}: {
  readonly partitions: number;
  readonly weightBytes: number;
}): Slicing {
  const isWhole = partitions * weightBytes <= maxWholeBytes && weightBytes <= maxWholeWeightBytes;
  if (isWhole) return { slices: 1, parts: 1 };
  const groups = groupsIn(partitions);
  const forGroup = Math.ceil((largestGroup(partitions) * weightBytes) / readBytes);
  const forSums = groups === 1 ? 1 : Math.ceil((groups * sumBytesPerByte * weightBytes) / readBytes);
  const useful = Math.max(1, Math.floor(weightBytes / minPartBytes));
  const wanted = Math.min(Math.max(forGroup, forSums), useful, maxParts);
  const byMemory = Math.ceil(weightBytes / maxSliceBytes);
  const slices = Math.max(byMemory, Math.min(fewSlices, wanted, Math.ceil(weightBytes / sliceBytes)));
  return { slices, parts: slices * Math.ceil(wanted / slices) };
}

/**
 * How a job's rounds are averaged. Late deltas that count in the next round keep a job in one part: should one of them be
 * damaged, nobody makes it anew, and a plan that counts on it could never be carried out.
 */
export function slicingIn({
  slices = 1,
  parts = slices,
  training,
}: Pick<JobSpec, "slices" | "parts" | "training">): Slicing {
  return training.quorum < 1 && training.lateDeltas === "merge" ? { slices: 1, parts: 1 } : { slices, parts };
}

/** The parts of a slice, in order. */
export function partsOfSlice({ slices, parts }: Slicing, slice: number): readonly number[] {
  const count = parts / slices;
  return Array.from({ length: count }, (_, index) => slice * count + index);
}

export function sliceOfPart({ slices, parts }: Slicing, part: number): number {
  return Math.floor((part * slices) / parts);
}

/** What a tensor is without its numbers. */
export interface TensorLayout {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What of a tensor lies in a part, or in a slice. */
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
 * Cuts tensors that lie one behind the other into parts of about the same number of bytes, never within an element. Every element is in
 * exactly one part, and so is every tensor without elements; with more parts than elements some are empty.
 * @param count of parts that are taken together, beginning with this one: a slice
 * @returns the pieces of one part, in the order of the layout: one run of bytes
 */
export function piecesOf(layout: readonly TensorLayout[], parts: number, part: number, count = 1): readonly Piece[] {
  const total = bytesOf(layout);
  const [first, last] = [cutAt(total, parts, part), cutAt(total, parts, part + count)];
  let begin = 0;
  return layout.flatMap((tensor) => {
    const elementBytes = bytesPerElement[tensor.dtype];
    const size = sizeOf(tensor.shape);
    const at = begin;
    begin += size * elementBytes;
    const elementAt = (byte: number): number => Math.min(size, Math.max(0, Math.ceil((byte - at) / elementBytes)));
    const [from, to] = [elementAt(first), elementAt(last)];
    const isLast = part + count === parts;
    const isHere = size === 0 ? at >= first && (at < last || isLast) : from < to;
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

/** At a block of which there is a checksum, where parts are large: whole blocks are read. */
function cutAt(total: number, parts: number, cut: number): number {
  const at = Math.floor((total * cut) / parts);
  return cut === parts || total < parts * blockBytes ? at : at - (at % blockBytes);
}

/**
 * Cuts the pieces out of tensors, as views. Pieces are flat.
 * @param begins which element of the whole tensor those given begin with: 0 where it is not said
 */
export function cutPieces(
  tensors: NamedTensors,
  pieces: readonly Pick<Piece, "name" | "from" | "to">[],
  begins: ReadonlyMap<string, number> = new Map(),
): NamedTensors {
  return new Map(
    pieces.flatMap(({ name, from, to }): [string, Tensor][] => {
      const tensor = tensors.get(name);
      const begin = begins.get(name) ?? 0;
      return tensor === undefined
        ? []
        : [[name, tensorOf(tensor.data.subarray(from - begin, to - begin), [to - from])]];
    }),
  );
}
