import { encodeRecord, JobSpec, keys, StampedeError, type GraphName, type ObjectStore } from "@stampede/core";
import { firstWeights, graphClaimsOf, type SubmitDeps } from "../driver/submit.js";
import { createAny } from "../store/commit.js";
import { exists } from "../store/records.js";
import type { PreparedJob } from "./training-job.js";

/**
 * Stores a job that was requested. Unlike `submitJob` it goes on where an earlier attempt was cut off, and may run beside another: of
 * each object the first one stays, the spec claims those that are there, and the first spec is the job's.
 *
 * @throws StampedeError `store.*`
 */
export async function storePrepared({ spec, parts }: PreparedJob, deps: SubmitDeps): Promise<void> {
  const { store } = deps;
  const { job } = spec;
  const weights = keys.weights(job, 0);
  if (!(await exists(store, weights))) await createAny(store, weights, firstWeights(job, parts.weights, deps));
  const graphs = new Map<GraphName, Uint8Array>();
  for (const [name, bytes] of parts.graphs ?? []) {
    graphs.set(name, await createOrAdopt(store, keys.graph(job, name), bytes));
  }
  const stored = parts.graphs === undefined ? spec : { ...spec, graphs: graphClaimsOf(graphs) };
  await createAny(store, keys.spec(job), encodeRecord(JobSpec, stored));
}

/** The bytes that are stored: another version of the compiler may have made others of the same model, as good as these. */
async function createOrAdopt(store: ObjectStore, key: string, bytes: Uint8Array): Promise<Uint8Array> {
  if ((await store.create(key, bytes)) !== "conflict") return bytes;
  // Twice where they differ: a read may come damaged.
  const first = await store.get(key);
  if (first !== undefined && same(first.body, bytes)) return bytes;
  const second = await store.get(key);
  if (second !== undefined && (same(second.body, bytes) || (first !== undefined && same(second.body, first.body)))) {
    return second.body;
  }
  const message = `Expected the object ${key}, which is there, to be read twice alike; found that it is not. It is tried again.`;
  throw new StampedeError("store.unavailable", message, { details: { key } });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b);
}
