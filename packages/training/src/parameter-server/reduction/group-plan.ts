import {
  decodeTensorRecord,
  keys,
  readObject,
  GroupPlan,
  StampedeError,
  type JobId,
  type ObjectStore,
} from "@stampede/core";

/** The tensor of a plan that holds the checksums of its sources' blocks, a row each. */
export const blocksName = "blocks";

export interface ReadPlan {
  readonly record: GroupPlan;
  /** A row for each source; absent where the deltas are so small that they are read whole. */
  readonly blockSums: readonly Int32Array[] | undefined;
}

/** What the sums of a group are made of; undefined where that is not committed. */
export async function readGroupPlan(
  store: Pick<ObjectStore, "get">,
  job: JobId,
  round: number,
  group: number,
): Promise<ReadPlan | undefined> {
  const key = keys.groupPlan(job, round, group);
  const read = await readObject(store, key, (body) => decodeTensorRecord(GroupPlan, body, key));
  if (read === undefined) return undefined;
  const { record, tensors } = read.value;
  const blocks = tensors.get(blocksName);
  if (blocks === undefined) return { record, blockSums: undefined };
  const [rows = 0, columns = 0] = blocks.shape;
  const { data } = blocks;
  if (!(data instanceof Int32Array) || rows !== record.sources.length) {
    const message = `Expected the checksums of ${record.sources.length} deltas in ${key}, found ${rows}. The round was not averaged.`;
    throw new StampedeError("store.corrupt", message, { details: { key } });
  }
  return {
    record,
    blockSums: Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns)),
  };
}
