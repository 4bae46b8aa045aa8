import {
  DriverMessage,
  encodeMessage,
  keys,
  makeJobId,
  resolveMetrics,
  StampedeError,
  type JobId,
  type JobResult,
  type JobSpec,
} from "@stampede/core";
import { cancelJob, exists, findRequest, readResult, readSpec, requestJob } from "@stampede/training";
import { listJobs, notResumable, showJob } from "@stampede/training/jobs";
import { operations } from "../contract/operations.js";
import type { JobOutcome, SubmitJob } from "../contract/schemas.js";
import { checkPlaces, checkUpload } from "./data-places.js";
import type { ApiDeps } from "./deps.js";
import { submitOnce } from "./idempotency.js";
import { readUpload } from "./uploads.js";
import type { Router } from "./route.js";

/** Everything about jobs but their events and what they come to. */
export function jobRoutes(router: Router, deps: ApiDeps): void {
  const { store, clock, unique } = deps;

  router.route(operations.submitJob, async ({ body, headers }, { token }) => {
    const { train, validation } = body.data;
    await checkPlaces(validation === undefined ? [train] : [train, validation], deps.buckets, store);
    if (body.weights !== undefined) await checkUpload(body.weights, store);
    const job = makeJobId(body.name, clock.now(), unique.hex(6));
    const asked = { submit: body };
    const submitted = await submitOnce(
      { key: headers["idempotency-key"], token, asked, job },
      (id) => submit(body, id, deps),
      deps,
    );
    return { status: 202, json: submitted, location: `/v1/jobs/${submitted.job}` };
  });

  router.route(operations.listJobs, async ({ query }) => ({
    status: 200,
    json: { jobs: (await listJobs(store)).slice(0, query.limit) },
  }));

  router.route(operations.showJob, async ({ params }) => ({
    status: 200,
    json: await showJob(store, params.job, clock.now()),
  }));

  router.route(operations.cancelJob, async ({ params: { job } }) => {
    await cancelJob(job, { store, clock, unique });
    // It is cancelled already: a hint that is lost changes when that is noticed.
    await look(job, "cancel", deps).catch(() => undefined);
    return { status: 200, json: { job } };
  });

  router.route(operations.resumeJob, async ({ params: { job } }) => {
    const result = await readResult(store, job);
    if (result !== undefined) throw notResumable(job, result);
    await needJob(job, deps);
    await look(job, "sweep", deps);
    return { status: 200, json: { job } };
  });

  router.route(operations.jobResult, async ({ params: { job } }) => ({
    status: 200,
    json: await outcomeOf(job, deps),
  }));
}

async function submit(body: SubmitJob, job: JobId, deps: ApiDeps): Promise<void> {
  const { version: _, model, weights, name, compile, data, training, engine } = body;
  const { store, capacity } = deps;
  const wanted = { name, model, data, training, ...(compile && { compile }), ...(engine && { engine }), capacity, job };
  const readFile = weights === undefined ? undefined : await readUpload(weights, store);
  await requestJob(readFile === undefined ? wanted : { ...wanted, readFile }, deps);
}

function look(job: JobId, reason: "sweep" | "cancel", { queues }: ApiDeps): Promise<void> {
  return queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason }));
}

/** @throws StampedeError `job.not-found` for one that is neither stored nor requested */
export async function needJob(job: JobId, { store }: Pick<ApiDeps, "store">): Promise<void> {
  if (!(await exists(store, keys.request(job)))) await readSpec(store, job);
}

/** @throws StampedeError `job.not-found`, `job.not-finished` */
async function outcomeOf(job: JobId, { store }: ApiDeps): Promise<JobOutcome> {
  const result = await readResult(store, job);
  if (result === undefined) {
    await needJob(job, { store });
    throw notFinished(job, "it has not ended");
  }
  const request = await findRequest(store, job);
  const kind = request === undefined ? (await readSpec(store, job)).kind : "kind" in request ? request.kind : "train";
  const { status, endedAt, round, metrics, validation, weightsSha256, error } = result;
  return {
    job,
    kind,
    status,
    endedAt,
    rounds: round,
    metrics: resolveMetrics(metrics),
    ...(validation && { validation: resolveMetrics(validation) }),
    ...(weightsSha256 !== undefined && { weightsSha256 }),
    ...(error && { error: { code: error.code, message: error.message } }),
  };
}

/**
 * A job that has succeeded, of the kind that has what was asked for.
 * @throws StampedeError `job.not-found`, `job.not-finished`
 */
export async function succeeded(
  job: JobId,
  kind: JobSpec["kind"],
  { store }: Pick<ApiDeps, "store">,
): Promise<{ readonly spec: JobSpec; readonly result: JobResult }> {
  const result = await readResult(store, job);
  if (result?.status !== "succeeded") {
    await needJob(job, { store });
    throw notFinished(job, result === undefined ? "it has not ended" : `it has ended as ${result.status}`);
  }
  const spec = await readSpec(store, job);
  if (spec.kind === kind) return { spec, result };
  throw notFinished(job, `it is to ${spec.kind}`);
}

function notFinished(job: JobId, found: string): StampedeError {
  const message = `Expected job ${job} to have succeeded with what is asked for, found that ${found}.`;
  return new StampedeError("job.not-finished", message, { details: { job } });
}
