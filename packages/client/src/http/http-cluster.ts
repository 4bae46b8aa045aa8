import { setTimeout as sleep } from "node:timers/promises";
import { JobAccepted, JobList, JobOutcome, operations, type SubmitJobInput } from "@stampede/api/contract";
import { isStampedeError, JobDetails, JobEvent, StampedeError, type JobId, type JobSummary } from "@stampede/core";
import { systemUnique } from "@stampede/local/folder";
import { Endpoint, type EndpointOptions } from "./endpoint.js";
import { streamedEvents } from "./event-stream.js";

export type HttpClusterOptions = EndpointOptions;

/** What follows a stream that broke off. */
const reconnectMs = 500;
/** So long an endpoint may be away before whoever follows a job hears of it. */
const patienceMs = 60_000;

/**
 * A deployment, or `stampede serve`, behind its HTTP API: jobs are prepared and run there, and nothing but the API is used.
 * @throws StampedeError `option.invalid`
 */
export function httpCluster(options: HttpClusterOptions): HttpCluster {
  return new HttpCluster(new Endpoint(options));
}

/** Jobs of one endpoint. Every method throws the StampedeError that the endpoint answers with, or `api.unavailable`. */
export class HttpCluster {
  /** False: executors run elsewhere. */
  readonly isInNative = false;
  readonly endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  /** Submits a job once, however often it is asked for on the way. */
  async submit(job: SubmitJobInput): Promise<JobId> {
    const headers = { "Idempotency-Key": systemUnique.hex(32) };
    return (await this.endpoint.read(JobAccepted, operations.submitJob, { json: job, headers })).job;
  }

  /** Submits a job that evaluates, or predicts with, the model of another one. */
  async infer(
    kind: "evaluate" | "predict",
    of: JobId,
    given: { readonly data: Readonly<Record<string, unknown>>; readonly executors?: number },
  ): Promise<JobId> {
    const operation = kind === "evaluate" ? operations.evaluateModel : operations.predictModel;
    const headers = { "Idempotency-Key": systemUnique.hex(32) };
    return (await this.endpoint.read(JobAccepted, operation, { params: { job: of }, json: given, headers })).job;
  }

  async list(): Promise<readonly JobSummary[]> {
    return (await this.endpoint.read(JobList, operations.listJobs, { query: { limit: "1000" } })).jobs;
  }

  show(job: JobId): Promise<JobDetails> {
    return this.endpoint.read(JobDetails, operations.showJob, { params: { job } });
  }

  result(job: JobId): Promise<JobOutcome> {
    return this.endpoint.read(JobOutcome, operations.jobResult, { params: { job } });
  }

  async cancel(job: JobId): Promise<void> {
    await (await this.endpoint.ask(operations.cancelJob, { params: { job } })).arrayBuffer();
  }

  async resume(job: JobId): Promise<void> {
    await (await this.endpoint.ask(operations.resumeJob, { params: { job } })).arrayBuffer();
  }

  /** The archive of a model. */
  async model(job: JobId): Promise<Uint8Array> {
    return new Uint8Array(await (await this.endpoint.ask(operations.downloadModel, { params: { job } })).arrayBuffer());
  }

  async predictions(job: JobId, format: "csv" | "jsonl" | "npy"): Promise<Uint8Array> {
    const call = { params: { job }, query: { format } };
    return new Uint8Array(await (await this.endpoint.ask(operations.downloadPredictions, call)).arrayBuffer());
  }

  /** The events that the job told so far, oldest first. */
  async events(job: JobId): Promise<readonly JobEvent[]> {
    const { body } = await this.endpoint.ask(operations.followJob, { params: { job }, query: { follow: "false" } });
    const events: JobEvent[] = [];
    if (body !== null) for await (const { data } of streamedEvents(body)) events.push(readEvent(data));
    return events;
  }

  /**
   * Tells every event of a job, once, until it has ended; answers the last one.
   * @throws StampedeError `job.interrupted` when `signal` aborts: the job goes on all the same
   */
  async follow(job: JobId, onEvent: (event: JobEvent) => void, signal?: AbortSignal): Promise<JobEvent> {
    let lastId: string | undefined;
    /** What was told since the id changed: a stream that goes on there tells it again. */
    let told = new Set<string>();
    let heardAt = performance.now();
    for (;;) {
      try {
        const headers = lastId === undefined ? {} : { "Last-Event-ID": lastId };
        const { body } = await this.endpoint.ask(operations.followJob, { params: { job }, headers, signal });
        for await (const { id, data } of streamedEvents(body ?? new ReadableStream())) {
          heardAt = performance.now();
          if (id !== lastId) told = new Set();
          lastId = id;
          if (told.has(data)) continue;
          told.add(data);
          const event = readEvent(data);
          if (event.event === "job.succeeded" || event.event === "job.failed") return event;
          onEvent(event);
        }
      } catch (error) {
        if (signal?.aborted === true) throw interrupted(job);
        if (isStampedeError(error) || performance.now() - heardAt > patienceMs) throw error;
      }
      await sleep(reconnectMs, undefined, { signal }).catch(() => {
        throw interrupted(job);
      });
    }
  }

  /** Nothing is held between requests. */
  async close(): Promise<void> {
    // Nothing to close.
  }
}

function readEvent(data: string): JobEvent {
  try {
    return JobEvent.parse(JSON.parse(data));
  } catch (cause) {
    throw new StampedeError("api.unavailable", "Expected an event of a job in the stream, found something else.", {
      cause,
    });
  }
}

function interrupted(job: JobId): StampedeError {
  const message = `Job ${job} is no longer waited for. It goes on where it runs; resume it to wait for it again.`;
  return new StampedeError("job.interrupted", message, { details: { job } });
}
