import {
  encodeRecord,
  encodeTensorRecord,
  hashTensors,
  JobSpec,
  keys,
  RoundRecord,
  sha256Hex,
  StampedeError,
  type Clock,
  type GraphClaim,
  type GraphName,
  type JobId,
  type NamedTensors,
  type ObjectStore,
  type UniqueSource,
} from "@stampede/core";
import { createAny, createOnce } from "../store/commit.js";

/** So that the sweeper finds the job. */
export async function markUnfinished(store: ObjectStore, job: JobId): Promise<"created"> {
  await createAny(store, keys.unfinishedJob(job), new Uint8Array());
  return "created";
}

export type Graphs = ReadonlyMap<GraphName, Uint8Array>;

/** What a job begins with, beside its spec. */
export interface JobParts {
  readonly weights: NamedTensors;
  /** Of the compiled engine; the spec claims each of them. */
  readonly graphs?: Graphs | undefined;
}

/** What the spec says of the graphs that are stored with it. */
export function graphClaimsOf(graphs: Graphs): GraphClaim[] {
  return [...graphs].map(([name, bytes]) => ({ name, bytes: bytes.length, sha256: sha256Hex(bytes) }));
}

export interface SubmitDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly unique: UniqueSource;
}

/** The object of round 0: the weights that a job begins with. */
export function firstWeights(
  job: JobId,
  weights: NamedTensors,
  { clock, unique }: Pick<SubmitDeps, "clock" | "unique">,
): Uint8Array {
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
  return encodeTensorRecord(RoundRecord, record, weights);
}

/**
 * Stores a job: first the weights and graphs it begins with and its mark for the sweeper, then its spec, which is the commit. Nothing runs before the driver
 * is told.
 *
 * @throws StampedeError `job.exists`, `store.*`
 */
export async function submitJob(spec: JobSpec, { weights, graphs }: JobParts, deps: SubmitDeps): Promise<void> {
  const { store } = deps;
  const { job } = spec;
  // Beside the others: a mark without a job is no harm, a job without a mark would be found by nobody.
  const outcomes = await Promise.all([
    createOnce(store, keys.weights(job, 0), firstWeights(job, weights, deps)),
    ...[...(graphs ?? [])].map(([name, bytes]) => createOnce(store, keys.graph(job, name), bytes)),
    markUnfinished(store, job),
  ]);
  if (!outcomes.includes("conflict")) {
    outcomes.push(await createOnce(store, keys.spec(job), encodeRecord(JobSpec, spec)));
  }
  if (outcomes.includes("conflict")) {
    throw new StampedeError("job.exists", `Expected a new job id, but job ${job} is already in the store.`, {
      details: { job },
    });
  }
}
