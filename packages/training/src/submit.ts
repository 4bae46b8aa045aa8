import {
  encodeRecord,
  encodeTensorRecord,
  hashTensors,
  JobSpec,
  keys,
  RoundRecord,
  StampedeError,
  type Clock,
  type NamedTensors,
  type ObjectStore,
  type UniqueSource,
} from "@stampede/core";

/**
 * Stores a job: first the weights it begins with, then its spec, which is the commit. Nothing runs before the driver is told.
 *
 * @throws StampedeError `job.exists`, `store.*`
 */
export async function submitJob(
  spec: JobSpec,
  weights: NamedTensors,
  deps: { readonly store: ObjectStore; readonly clock: Clock; readonly unique: UniqueSource },
): Promise<void> {
  const { store, clock, unique } = deps;
  const { job } = spec;
  const record: RoundRecord = {
    version: 1,
    job,
    round: 0,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    contributions: [],
    metrics: {},
    weightsSha256: hashTensors(weights),
  };
  const outcomes = [
    await store.create(keys.weights(job, 0), encodeTensorRecord(RoundRecord, record, weights)),
    await store.create(keys.spec(job), encodeRecord(JobSpec, spec)),
  ];
  if (outcomes.includes("conflict")) {
    throw new StampedeError("job.exists", `Expected a new job id, but job ${job} is already in the store.`, {
      details: { job },
    });
  }
}
