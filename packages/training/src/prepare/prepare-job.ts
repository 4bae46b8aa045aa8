import {
  DriverMessage,
  encodeMessage,
  isStampedeError,
  keys,
  StampedeError,
  type DatasetSpec,
  type InferenceRequest,
  type JobId,
  type JobRequest,
  type ObjectStore,
} from "@stampede/core";
import type { ShardOutcome } from "@stampede/data";
import type { DefinedModel } from "@stampede/runtime";
import type { CommonDeps, Preparation } from "../deps.js";
import { failJob } from "../driver/fail-job.js";
import { cancelledResult } from "../driver/result.js";
import { readRequest } from "../request/read-request.js";
import { createAny } from "../store/commit.js";
import { commitResult } from "../store/job-store.js";
import { exists } from "../store/records.js";
import { parametersIn, submittedEvent } from "../submitted.js";
import { asAttempt } from "./attempts.js";
import { inferenceWish, planInferenceJob, readTrainedFor } from "./inference-job.js";
import { oneAtATime } from "./one-at-a-time.js";
import { buildRequested } from "./requested-model.js";
import { storePrepared } from "./store-prepared.js";
import { planJob, type PreparedJob } from "./training-job.js";
import { dataReady, trainingSets, type DatasetWish, type TrainingSets } from "./training-sets.js";

export interface PrepareDeps extends CommonDeps {
  /**
   * Brings a data set into the store for a job, or has it brought there: then whoever does it tells the driver to prepare the job again.
   * @throws StampedeError `data.*` ... what is wrong with the data
   */
  readonly requestDataset: (job: JobId, wish: DatasetWish<DatasetSpec>) => Promise<ShardOutcome | "under-way">;
}

/**
 * Makes a job of a request: checks the model, has the data sets brought into the store, compiles the model and submits. May be cut off
 * anywhere, run again and run twice at once: each step is a fact of which the first one counts, and the same request ends in the same
 * job. What is wrong with the model or the data becomes the result of the job.
 *
 * @returns `under-way` while data is brought; `submitted` when the job is there, and its driver told; `failed` when it has ended
 * @throws StampedeError `job.not-found`; `store.*` and what else may pass: it is to be called again
 */
export async function prepareJob(job: JobId, deps: PrepareDeps): Promise<Preparation> {
  try {
    return await prepare(job, deps);
  } catch (error) {
    // Another one was faster, and has not met the error.
    if (await exists(deps.store, keys.spec(job))) return announce(job, deps);
    await failJob(job, shortened(error), deps);
    return "failed";
  }
}

/** A record holds ten times as much; names in the message are somebody else's. */
const maxMessageLength = 10_000;

function shortened(error: unknown): unknown {
  if (!isStampedeError(error) || error.message.length <= maxMessageLength) return error;
  const { code, message, details } = error;
  return new StampedeError(code, `${message.slice(0, maxMessageLength - 3)}...`, { details, cause: error });
}

async function prepare(job: JobId, deps: PrepareDeps): Promise<Preparation> {
  const { store, clock } = deps;
  if (await hasEnded(job, deps)) return "failed";
  if (await exists(store, keys.spec(job))) return announce(job, deps);
  const request = await readRequest(store, job);
  if (!("kind" in request)) refuseLate(request, clock.now());
  const make = "kind" in request ? () => makeInference(request, deps) : () => makeJob(request, deps);
  const outcome = await asAttempt(job, deps, make);
  return outcome === "stored" ? announce(job, deps) : outcome;
}

async function makeJob(request: JobRequest, deps: PrepareDeps): Promise<"stored" | "under-way" | "failed"> {
  const { store, events } = deps;
  const model = (await exists(store, keys.modelChecked(request.job))) ? undefined : await checkModel(request, deps);
  const sets = await setsOf(request, deps);
  if (sets === "under-way") return sets;
  const prepared = await oneAtATime(async () => plan(request, model, sets, store));
  if (await hasEnded(request.job, deps)) return "failed";
  await storePrepared(prepared, deps);
  events.emit(submittedEvent(prepared.spec, parametersIn(prepared.parts.weights), false));
  return "stored";
}

/** Its model was trained by another job, and its data is prepared as that one's was. */
async function makeInference(request: InferenceRequest, deps: PrepareDeps): Promise<"stored" | "under-way" | "failed"> {
  const { store, events } = deps;
  const { job, kind, executors } = request;
  const trained = await readTrainedFor(request, store);
  const data = await deps.requestDataset(job, inferenceWish(request, trained, executors));
  if (data === "under-way") return data;
  events.emit(dataReady(job, kind, data.train));
  const prepared = await oneAtATime(async () =>
    planInferenceJob({ ...request, engine: undefined }, trained, data.train, store),
  );
  if (await hasEnded(job, deps)) return "failed";
  await storePrepared(prepared, deps);
  events.emit(submittedEvent(prepared.spec, parametersIn(prepared.parts.weights), false));
  return "stored";
}

/** Cancelled, or failed. A job that was submitted has no result before its driver has looked at it. */
async function hasEnded(job: JobId, deps: PrepareDeps): Promise<boolean> {
  const { store, clock, unique } = deps;
  if (await exists(store, keys.result(job))) return true;
  if (!(await exists(store, keys.cancel(job)))) return false;
  await commitResult(store, cancelledResult(job, { token: unique.hex(16), endedAt: clock.now() }));
  return true;
}

async function announce(job: JobId, { queues }: PrepareDeps): Promise<"submitted"> {
  const look = { version: 1, type: "look", job, reason: "submitted" } as const;
  await queues.driver.send(encodeMessage(DriverMessage, look));
  return "submitted";
}

/** @throws StampedeError `job.timed-out` */
function refuseLate({ createdAt, training }: JobRequest, now: number): void {
  const limit = training.jobTimeoutSeconds;
  if (limit === undefined || now < createdAt + limit * 1000) return;
  const message = `Expected the job to end within ${limit} s (training.jobTimeoutSeconds); it was not even prepared. It ends as failed.`;
  throw new StampedeError("job.timed-out", message);
}

/** Before any data is read, which may take hours. The mark says that nobody need do it again. */
async function checkModel(request: JobRequest, { store }: PrepareDeps): Promise<DefinedModel> {
  const model = await oneAtATime(async () => buildRequested(request, store));
  await createAny(store, keys.modelChecked(request.job), new Uint8Array());
  return model;
}

async function setsOf({ job, data, training }: JobRequest, deps: PrepareDeps): Promise<TrainingSets | "under-way"> {
  // Files lie in the cloud, where there are no relative paths.
  const sets = await trainingSets<DatasetSpec, "under-way">(data, training, {
    baseFolder: "/",
    request: async (wish) => deps.requestDataset(job, wish),
  });
  if (sets === "under-way") return sets;
  deps.events.emit(dataReady(job, "train", sets.train));
  if (sets.validation !== undefined) deps.events.emit(dataReady(job, "validation", sets.validation));
  return sets;
}

/** @param known the model, where this call has built it */
async function plan(
  request: JobRequest,
  known: DefinedModel | undefined,
  sets: TrainingSets,
  store: ObjectStore,
): Promise<PreparedJob> {
  const model = known ?? (await buildRequested(request, store));
  const { job, name, createdAt, training, engine, capacity } = request;
  return planJob({ job, name, createdAt, training, engine, capacity }, model, sets, store);
}
