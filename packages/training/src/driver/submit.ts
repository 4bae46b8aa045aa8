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

async function markUnfinished(store: ObjectStore, job: JobId): Promise<"created"> {
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

/**
 * Stores a job: first the weights and graphs it begins with and its mark for the sweeper, then its spec, which is the commit. Nothing runs before the driver
 * is told.
 *
 * @throws StampedeError `job.exists`, `store.*`
 */
export async function submitJob(
  spec: JobSpec,
  { weights, graphs }: JobParts,
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
  // Beside the others: a mark without a job is no harm, a job without a mark would be found by nobody.
  const outcomes = await Promise.all([
    createOnce(store, keys.weights(job, 0), encodeTensorRecord(RoundRecord, record, weights)),
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
