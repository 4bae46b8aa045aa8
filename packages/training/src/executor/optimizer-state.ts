import { decodeTensorRecord, DeltaRecord, keys, readObject, type NamedTensors } from "@stampede/core";
import { missing } from "../store/records.js";
import { splitTensors } from "../round-tensors.js";
import type { TaskContext } from "./task-context.js";

export const noTensors: NamedTensors = new Map();

/** The state with which the optimizer begins a round, by `training.optimizerState`; undefined for a fresh one. */
export async function optimizerState(context: TaskContext, averaged: NamedTensors): Promise<NamedTensors | undefined> {
  const { task, spec, residents } = context;
  const { job, stage, partition } = task;
  if (stage.round === 1 || spec.training.optimizerState === "reset") return undefined;
  if (spec.training.optimizerState === "averaged") return orFresh(averaged);
  const carried = residents.takeCarried(job, stage.round - 1, partition);
  if (carried !== undefined) return orFresh(carried);
  return orFresh(await committedState(context));
}

/**
 * What the executor of this partition had committed last: in the round before, unless that ended without it (`training.quorum`).
 * Then it is what it had committed before that, or nothing yet.
 */
async function committedState({ task, spec, deps }: TaskContext): Promise<NamedTensors> {
  const { job, stage, partition } = task;
  for (let round = stage.round - 1; round > 0; round -= 1) {
    const key = keys.output(job, { kind: "train", round }, partition);
    const read = await readObject(deps.store, key, (body) => decodeTensorRecord(DeltaRecord, body, key));
    if (read !== undefined) return splitTensors(read.value.tensors).optimizer;
    if (spec.training.quorum === 1) throw missing(key);
  }
  return noTensors;
}

/** An executor that has not made a step yet has no state to go on with. */
export function orFresh(state: NamedTensors): NamedTensors | undefined {
  return state.size === 0 ? undefined : state;
}
