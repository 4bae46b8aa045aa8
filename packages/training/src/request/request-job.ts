import {
  DriverMessage,
  encodeMessage,
  encodeRecord,
  JobRequest,
  keys,
  makeJobId,
  parseInput,
  StampedeError,
  type DatasetSpecInput,
  type ExecutorCapacity,
  type JobFileInput,
  type JobId,
  type ObjectStore,
} from "@stampede/core";
import type { CommonDeps, Queues } from "../deps.js";
import type { TrainingData } from "../training-data.js";
import { markUnfinished } from "../driver/submit.js";
import { createOnce } from "../store/commit.js";
import { exists } from "../store/records.js";
import { modelJsonOf } from "./model-json.js";
import { joinWeights, type ReadFile } from "./weights.js";

/** What a job file says, with the model as data. */
export interface WantedJob extends Omit<JobFileInput, "version" | "model" | "data"> {
  readonly data: TrainingData<DatasetSpecInput>;
  /** tfjs' `model.json`, or what Keras' `to_json()` writes: the text or the parsed value. */
  readonly model: unknown;
  /** Reads a weight file by its path relative to the model.json. Left out where the weights are to be drawn from the job's seed. */
  readonly readFile?: ReadFile | undefined;
  /** Of the executors that the job will have. */
  readonly capacity: ExecutorCapacity;
  /** @default a new one */
  readonly job?: JobId;
}

export interface RequestDeps extends Pick<CommonDeps, "store" | "clock" | "unique"> {
  readonly queues: Pick<Queues, "driver">;
}

/**
 * Asks for a job that is to be prepared where its data is: stores the request and tells the driver. Whether model and data are any good
 * is found out there, and is then the result of the job.
 *
 * @throws StampedeError `model.invalid` for a model that is no JSON object, too large or too deep; `job-file.invalid` for the other
 *   fields; `job.exists`; `store.*`; what `readFile` throws. Nothing was started then, unless the error is of the queue: the job is
 *   then found by the sweeper
 */
export async function requestJob(wanted: WantedJob, deps: RequestDeps): Promise<JobId> {
  const { clock, unique } = deps;
  const { model: given, readFile, job: id, ...fields } = wanted;
  const { model, weights } = await joinWeights(modelJsonOf(given), readFile);
  const createdAt = clock.now();
  const job = id ?? makeJobId(wanted.name, createdAt, unique.hex(6));
  const stamp = { version: 1, job, token: unique.hex(16), createdAt } as const;
  const request = parseInput(JobRequest, { ...fields, ...stamp, model }, { code: "job-file.invalid", what: "The job" });
  await storeRequest(job, encodeRecord(JobRequest, request), weights, deps);
  return job;
}

/**
 * Stores a request and tells the driver.
 * @throws StampedeError `job.exists`, `store.*`
 */
export async function storeRequest(
  job: JobId,
  request: Uint8Array,
  weights: Uint8Array | undefined,
  { store, queues }: RequestDeps,
): Promise<void> {
  if (await exists(store, keys.spec(job))) throw taken(job);
  // A mark without a job is no harm, a job without a mark would be found by nobody.
  await markUnfinished(store, job);
  await commit(store, keys.requestedWeights(job), weights, job);
  await commit(store, keys.request(job), request, job);
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "prepare", job }));
}

async function commit(store: ObjectStore, key: string, body: Uint8Array | undefined, job: JobId): Promise<void> {
  if (body !== undefined && (await createOnce(store, key, body)) === "conflict") throw taken(job);
}

function taken(job: JobId): StampedeError {
  return new StampedeError("job.exists", `Expected a new job id, but job ${job} is already in the store.`, {
    details: { job },
  });
}
