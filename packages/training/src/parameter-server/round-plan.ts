import { keys, type JobSpec, type ObjectStore } from "@stampede/core";
import { listOutputs, readClose, readRoundRecord } from "../store/round-store.js";
import { missing } from "../store/records.js";

/** Which deltas a round's weights are made of. */
export interface RoundPlan {
  /** Partitions whose deltas count, ascending. */
  readonly members: readonly number[];
  /** Partitions whose delta of the round before came too late for that. */
  readonly late: readonly number[];
}

/** All partitions, unless it is committed that the round ends without some (`training.quorum`). */
export async function planOf(spec: JobSpec, round: number, store: ObjectStore): Promise<RoundPlan> {
  const all = Array.from({ length: spec.partitions }, (_, partition) => partition);
  const { quorum, lateDeltas } = spec.training;
  if (quorum === 1) return { members: all, late: [] };
  const close = await readClose(store, spec.job, round);
  const late = lateDeltas === "merge" && round > 1 ? await lateFor(spec, round - 1, store) : [];
  return { members: close?.partitions ?? all, late };
}

/** Deltas of an earlier round that are there by now and did not count in it. */
async function lateFor({ job }: JobSpec, round: number, store: ObjectStore): Promise<readonly number[]> {
  const record = await readRoundRecord(store, job, round);
  if (record === undefined) throw missing(keys.weights(job, round));
  const counted = record.contributions.flatMap(({ partition, lateFrom }) =>
    lateFrom === undefined ? [partition] : [],
  );
  const present = await listOutputs(store, job, { kind: "train", round });
  const known = new Set(counted);
  return [...present].filter((partition) => !known.has(partition)).toSorted((a, b) => a - b);
}
