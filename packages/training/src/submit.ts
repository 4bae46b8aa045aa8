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
  type NamedTensors,
  type ObjectStore,
  type UniqueSource,
} from "@stampede/core";

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
 * Stores a job: first the weights and graphs it begins with, then its spec, which is the commit. Nothing runs before the driver
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
  const outcomes = await Promise.all([
    store.create(keys.weights(job, 0), encodeTensorRecord(RoundRecord, record, weights)),
    ...[...(graphs ?? [])].map(([name, bytes]) => store.create(keys.graph(job, name), bytes)),
  ]);
  if (!outcomes.includes("conflict")) outcomes.push(await store.create(keys.spec(job), encodeRecord(JobSpec, spec)));
  if (outcomes.includes("conflict")) {
    throw new StampedeError("job.exists", `Expected a new job id, but job ${job} is already in the store.`, {
      details: { job },
    });
  }
}
