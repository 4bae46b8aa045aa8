import {
  cutPieces,
  decodeTensorRecord,
  decodeTensorRecordLayout,
  hashTensors,
  keys,
  readObject,
  sizeOf,
  bytesPerElement,
  sliceOfPart,
  SliceRecord,
  StampedeError,
  TensorHash,
  tensorOf,
  viewOf,
  type JobId,
  type NamedTensors,
  type ObjectStore,
  type Piece,
  type RoundRecord,
  type Slicing,
  type Tensor,
} from "@stampede/core";
import { inOrder } from "../in-order.js";
import { joinTensors, splitTensors } from "../round-tensors.js";
import { readHeader } from "./headers.js";
import { missing } from "./records.js";

/** Reads the weights of rounds that several functions averaged: one object a slice. */

/** Slices that are read at the same time, and headers of slices. */
const readsAtOnce = 4;
const headersAtOnce = 32;

interface ReadSlice {
  readonly record: SliceRecord;
  /** Flat parts of tensors, under the names that they have in the object of a whole round. */
  readonly tensors: NamedTensors;
}

type Readable = Pick<ObjectStore, "get">;

/** What a round's record says of each of its slices. */
export type SliceClaims = NonNullable<RoundRecord["slices"]>;

/** @throws StampedeError `store.*` */
async function readSlice(store: Readable, job: JobId, round: number, slice: number): Promise<ReadSlice> {
  const key = keys.slice(job, round, slice);
  const read = await readObject(store, key, (body) => decodeTensorRecord(SliceRecord, body, key));
  if (read === undefined) throw missing(key);
  const { record, tensors } = read.value;
  const belongs = record.job === job && record.round === round && record.slice === slice;
  if (!belongs || record.pieces.length !== tensors.size) throw other(key);
  // Tensors without elements may come out of the object in another order.
  return { record, tensors: new Map(record.pieces.map(({ name }) => [name, tensorIn(tensors, name, key)])) };
}

/**
 * Pieces of the weights of a round, all of them of one part.
 * @throws StampedeError `store.*`
 */
export async function readSlicePieces(
  store: Readable,
  job: JobId,
  round: number,
  { part, ...slicing }: Slicing & { readonly part: number },
  pieces: readonly Pick<Piece, "name" | "from" | "to">[],
): Promise<NamedTensors> {
  const { record, tensors } = await readSlice(store, job, round, sliceOfPart(slicing, part));
  return cutPieces(tensors, pieces, new Map(record.pieces.map(({ name, from }) => [name, from])));
}

function tensorIn(tensors: NamedTensors, name: string, key: string): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw other(key);
  return tensor;
}

/** What is to be said of slices that are all there: their headers tell it. */
export async function claimsOf(store: Readable, job: JobId, round: number, slices: number): Promise<SliceClaims> {
  const all = Array.from({ length: slices }, (_, slice) => keys.slice(job, round, slice));
  const claims: SliceClaims = [];
  for await (const claim of inOrder(all, headersAtOnce, (key) => claimOf(store, key))) claims.push(claim);
  return claims;
}

async function claimOf(store: Readable, key: string): Promise<SliceClaims[number]> {
  const read = await readHeader(store, key, (prefix) => decodeTensorRecordLayout(SliceRecord, prefix, key));
  if (read === undefined) throw missing(key);
  const { record, dataStart, dataBytes } = read.value;
  return { bytes: dataStart + dataBytes, sha256: record.sha256 };
}

/**
 * The tensors of a round, put together from its slices.
 * @throws StampedeError `store.missing`; `store.corrupt` for slices that are not those which were claimed
 */
export async function assembleSlices(
  store: Readable,
  job: JobId,
  round: number,
  claims: SliceClaims,
): Promise<NamedTensors> {
  const whole = new Map<string, Tensor>();
  let filled = 0;
  for await (const { record, tensors } of claimedSlices(store, job, round, claims)) {
    for (const { name, shape, from } of record.pieces) {
      const part = tensorIn(tensors, name, keys.slice(job, round, record.slice));
      const tensor = whole.get(name) ?? emptyTensor(part.dtype, shape);
      whole.set(name, tensor);
      tensor.data.set(part.data, from);
      filled += part.data.length;
    }
  }
  const expected = [...whole.values()].reduce((sum, { data }) => sum + data.length, 0);
  if (filled !== expected) throw other(keys.slices(job, round));
  // Each slice has some of both.
  return joinTensors(splitTensors(whole));
}

/** `hashTensors` of a round's weights, without the optimizer's state, of which there are never more than some slices in memory. */
export async function hashSlices(store: Readable, job: JobId, round: number, claims: SliceClaims): Promise<string> {
  const hash = new TensorHash();
  for await (const { record, tensors } of claimedSlices(store, job, round, claims)) {
    for (const [name, { dtype, data }] of splitTensors(tensors).weights) {
      const piece = record.pieces.find((each) => each.name === name);
      if (piece?.from === 0) hash.begin(name, { dtype, shape: piece.shape });
      hash.add(data);
    }
  }
  return hash.hex();
}

function claimedSlices(store: Readable, job: JobId, round: number, claims: SliceClaims): AsyncGenerator<ReadSlice> {
  return inOrder([...claims.entries()], readsAtOnce, async ([slice, { sha256 }]) => {
    const read = await readSlice(store, job, round, slice);
    if (hashTensors(read.tensors) !== sha256) throw other(keys.slice(job, round, slice));
    return read;
  });
}

function emptyTensor(dtype: Tensor["dtype"], shape: readonly number[]): Tensor {
  const count = sizeOf(shape);
  return tensorOf(viewOf(dtype, new ArrayBuffer(count * bytesPerElement[dtype]), 0, count), shape);
}

function other(key: string): StampedeError {
  const message = `Expected the slices that the round's record speaks of in ${key}, found others. The weights were not used.`;
  return new StampedeError("store.corrupt", message, { details: { key } });
}
