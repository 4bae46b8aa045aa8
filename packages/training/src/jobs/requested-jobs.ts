import {
  keys,
  TrainingSettings,
  type AnyRequest,
  type JobDetails,
  type JobId,
  type JobResult,
  type JobSummary,
  type ObjectStore,
  type SignOfLife,
} from "@stampede/core";
import { limitsOf } from "../limits.js";
import { findRequest } from "../request/read-request.js";
import { readResult } from "../store/job-store.js";

/** A job that was requested from the cloud and is still prepared there, or has ended before it was. */
export interface RequestedJob {
  readonly request: AnyRequest;
  readonly result: JobResult | undefined;
  readonly summary: JobSummary;
}

export async function findRequested(store: ObjectStore, job: JobId): Promise<RequestedJob | undefined> {
  const [request, result] = await Promise.all([findRequest(store, job), readResult(store, job)]);
  if (request === undefined) return undefined;
  const { name, createdAt } = request;
  const status = result?.status ?? "unfinished";
  const summary = {
    job,
    name,
    kind: "kind" in request ? request.kind : "train",
    status,
    round: 0,
    rounds: 0,
    createdAt,
    endedAt: result?.endedAt,
  } as const;
  return { request, result, summary };
}

/** When anything was last stored for it. */
export async function lastSignOf(store: ObjectStore, { request }: RequestedJob, now: number): Promise<SignOfLife> {
  let at = request.createdAt;
  let from: SignOfLife["from"] = "client";
  for await (const { modifiedAt } of store.list(keys.job(request.job))) {
    if (modifiedAt <= at) continue;
    at = modifiedAt;
    from = "driver";
  }
  return { at, agoMs: Math.max(0, now - at), from };
}

export async function requestedDetails(store: ObjectStore, requested: RequestedJob, now: number): Promise<JobDetails> {
  const { request, result, summary } = requested;
  const training = "kind" in request ? TrainingSettings.parse({ executors: request.executors }) : request.training;
  const engine = "kind" in request ? undefined : request.engine;
  const lastSign = await lastSignOf(store, requested, now);
  return {
    ...summary,
    executors: training.executors,
    engine: engine ?? "not chosen yet",
    engineReason: undefined,
    threads: undefined,
    limits: limitsOf(training),
    error: result?.error && { code: result.error.code, message: result.error.message },
    metrics: {},
    validation: undefined,
    weightsSha256: undefined,
    history: [],
    unreadable: [],
    failures: [],
    retries: [],
    deadTask: undefined,
    underWay: result === undefined ? { stage: "preparation", done: 0, tasks: [], lastSign } : undefined,
  };
}
