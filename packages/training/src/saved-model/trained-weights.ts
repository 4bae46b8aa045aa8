import {
  hashTensors,
  keys,
  StampedeError,
  type JobResult,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { splitTensors } from "../round-tensors.js";
import { readWeights } from "../store/round-store.js";

export interface TrainedWeights {
  readonly weights: NamedTensors;
  readonly weightsSha256: string;
}

/**
 * The weights of a succeeded job: those, to the bit, that its result speaks of.
 * @throws StampedeError `store.missing`, `store.corrupt`
 */
export async function readTrained(store: ObjectStore, { job }: JobSpec, result: JobResult): Promise<TrainedWeights> {
  const { record, tensors } = await readWeights(store, job, result.round);
  const { weights } = splitTensors(tensors);
  const expected = result.weightsSha256 ?? record.weightsSha256;
  const found = hashTensors(weights);
  if (found === expected) return { weights, weightsSha256: expected };
  const key = keys.weights(job, result.round);
  const message = `Expected weights with SHA-256 ${expected} in ${key}, as the job's result says; found ${found}. Nothing was saved.`;
  throw new StampedeError("store.corrupt", message, { details: { key } });
}
