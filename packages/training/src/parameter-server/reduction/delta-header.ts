import {
  decodeTensorRecordLayout,
  DeltaRecord,
  keys,
  layoutOf,
  StampedeError,
  type JobSpec,
  type ObjectStore,
  type TensorLayout,
  type TensorRecordHeader,
} from "@stampede/core";
import { splitNames } from "../../round-tensors.js";
import { readHeader } from "../../store/headers.js";
import { missing } from "../../store/records.js";
import { orDamaged, readDelta, refuseForeign } from "../read-delta.js";

/** What a delta is, without its numbers. */
export interface DeltaHeader extends Omit<TensorRecordHeader<DeltaRecord>, "entries"> {
  readonly etag: string;
  /** Of the optimizer's state, which lies behind the weights. */
  readonly optimizer: readonly TensorLayout[];
}

/** How many bytes of an object are asked for first: a little more than the longest header that was seen. */
export class FirstLook {
  bytes = 16_384;

  saw(headerBytes: number): void {
    this.bytes = Math.max(this.bytes, headerBytes + 1_024);
  }
}

/**
 * Reads the header of a delta, and makes sure that its weights lie as they must.
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.incompatible-delta`
 */
export async function readDeltaHeader(
  spec: JobSpec,
  round: number,
  partition: number,
  weights: readonly TensorLayout[],
  store: ObjectStore,
  look: FirstLook = new FirstLook(),
): Promise<DeltaHeader> {
  const key = keys.output(spec.job, { kind: "train", round }, partition);
  const place = { round, partition };
  const read = await orDamaged(key, place, store, () =>
    readHeader(store, key, (prefix) => decodeTensorRecordLayout(DeltaRecord, prefix, key), look.bytes),
  );
  if (read === undefined) throw missing(key);
  const { entries, ...header } = read.value;
  look.saw(header.dataStart);
  refuseForeign(spec, place, header.record, key);
  const layout = entries.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const found = splitNames(layout);
  const isAlike = isSame(layout.slice(0, weights.length), weights) && found.weights.length === weights.length;
  // Only the seal over the whole object tells whether its names and shapes are what was written.
  if (!isAlike) throw await misfit(spec, place, weights, store);
  return { ...header, etag: read.etag, optimizer: found.optimizer };
}

async function misfit(
  spec: JobSpec,
  { round, partition }: { readonly round: number; readonly partition: number },
  expected: readonly TensorLayout[],
  store: ObjectStore,
): Promise<StampedeError> {
  const { key, weights } = await readDelta(spec, round, partition, store);
  return incompatible(key, expected, layoutOf(weights));
}

export function isSame(a: readonly TensorLayout[], b: readonly TensorLayout[]): boolean {
  const text = (layout: readonly TensorLayout[]): string =>
    JSON.stringify(layout.map(({ name, dtype, shape }) => [name, dtype, shape]));
  return text(a) === text(b);
}

export function incompatible(
  key: string,
  expected: readonly TensorLayout[],
  found: readonly TensorLayout[],
): StampedeError {
  const list = (layout: readonly TensorLayout[]): string =>
    layout.map(({ name, dtype, shape }) => `${name}: ${dtype} [${shape.join(", ")}]`).join("; ");
  const message = `Expected the tensors ${list(expected)} in ${key}, in this order; found ${list(found)}. The contribution was not used.`;
  return new StampedeError("training.incompatible-delta", message, { details: { origin: key } });
}
