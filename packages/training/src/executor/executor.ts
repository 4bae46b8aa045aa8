import {
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  examplesOf,
  keys,
  suspendsJob,
  toErrorFacts,
  type JobSpec,
  type TaskMessage,
} from "@stampede/core";
import type { ExecutorDeps } from "../deps.js";
import { Abandoned, OutOfTime, ToBeContinued } from "./endings.js";
import { runEvaluateTask } from "./evaluate-task.js";
import { Heartbeat } from "./heartbeat.js";
import { commitFailure } from "../store/attempt-store.js";
import { existingOutput, type ExistingOutput } from "./output.js";
import { runPredictTask } from "./predict-task.js";
import { Residents } from "./residents.js";
import { outOfTime } from "./refusals.js";
import type { TaskContext } from "./task-context.js";
import { TimeLimit } from "./time-limit.js";
import { runTrainTask } from "./train-task.js";

/** What an executor is to know of the platform's invocation that it runs in. */
export interface InvocationTime {
  /** When it must have ended, in milliseconds since the epoch. @default the task's deadline */
  readonly until?: number;
}

/**
 * An executor: runs one task at a time and keeps models and partitions in memory in between. A task's output is one object,
 * committed once; a second attempt finds it and stops, unless it is damaged.
 */
export class Executor {
  readonly #deps: ExecutorDeps;
  readonly #residents: Residents;

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
    this.#residents = new Residents(deps);
  }

  /**
   * Runs one attempt. An error of the task becomes a failure record and a hint to the driver; the promise rejects only when
   * even that could not be written, and the platform then reports the invocation as failed. No piece of work is begun that would not end
   * in time: a task that trains is then to be continued by another attempt, any other one has failed.
   */
  async run(task: TaskMessage, { until = Infinity }: InvocationTime = {}): Promise<void> {
    const { store, clock } = this.#deps;
    const limit = new TimeLimit(Math.min(until, task.deadlineAt), clock);
    try {
      const existing = await existingOutput(task, store);
      if (existing.state !== "whole") await this.#attempt(task, existing, limit);
    } catch (error) {
      if (error instanceof Abandoned) return;
      if (error instanceof ToBeContinued) return this.#leaveOff(task, error);
      return this.#report(task, error instanceof OutOfTime ? outOfTime(task, error) : error);
    }
    await this.#hint(task);
  }

  /** Loads what the first task will need. */
  warm(): Promise<void> {
    return this.#residents.warm();
  }

  /** Frees every model and partition. */
  close(): void {
    this.#residents.close();
  }

  async #attempt(task: TaskMessage, existing: ExistingOutput, limit: TimeLimit): Promise<void> {
    const { job, stage, partition, attempt } = task;
    const { events, clock } = this.#deps;
    events.emit({ event: "task.started", job, stage, partition, attempt, at: clock.now() });
    if (task.frugal) this.#residents.close();
    const spec = await this.#residents.spec(job);
    const heartbeat = new Heartbeat(task, examplesIn(spec, task), this.#deps);
    try {
      const own = { task, spec, existing, heartbeat, limit, asked: { at: undefined } };
      await runTask({ ...own, deps: this.#deps, residents: this.#residents });
    } finally {
      await heartbeat.end();
      if (task.frugal) this.#residents.close();
    }
  }

  /** Deltas wake the parameter server; the other outputs need no aggregation and wake the driver. */
  async #hint({ job, stage, partition }: TaskMessage): Promise<void> {
    const { store, queues } = this.#deps;
    if (stage.kind !== "train") {
      return queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "task" }));
    }
    const key = keys.output(job, stage, partition);
    const info = await store.head(key);
    const claim = info && { key, etag: info.etag, bytes: info.bytes };
    const hint = { version: 1, type: "delta", job, round: stage.round, ...(claim && { claim }) } as const;
    return queues.deltas.send(encodeMessage(DeltaMessage, hint));
  }

  /** The checkpoint is there: what follows is up to the driver. */
  async #leaveOff(task: TaskMessage, { batches, totalBatches }: ToBeContinued): Promise<void> {
    const { store, clock, queues } = this.#deps;
    const { job, stage, partition, attempt } = task;
    const message = `Attempt ${attempt} of partition ${partition} had trained ${batches} of ${totalBatches} batches when its time was over. The next one goes on from there.`;
    const error = { code: "task.timed-out", message, retryable: true } as const;
    const ended = { version: 1, job, stage, partition, attempt, failedAt: clock.now(), error } as const;
    await commitFailure(store, { ...ended, continuesAt: batches });
    await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "task" }));
  }

  async #report({ job, stage, partition, attempt }: TaskMessage, error: unknown): Promise<void> {
    const { store, clock, events, queues } = this.#deps;
    // What the failed attempt left in memory may be the reason that it failed.
    this.#residents.close();
    const facts = toErrorFacts(error);
    if (suspendsJob(facts.code)) throw error;
    await commitFailure(store, { version: 1, job, stage, partition, attempt, failedAt: clock.now(), error: facts });
    events.emit({
      event: "task.failed",
      job,
      stage,
      partition,
      attempt,
      code: facts.code,
      message: facts.message,
    });
    await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "task" }));
  }
}

function runTask(context: TaskContext): Promise<void> {
  const { kind } = context.task.stage;
  switch (kind) {
    case "train":
      return runTrainTask(context);
    case "evaluate":
      return runEvaluateTask(context);
    case "predict":
      return runPredictTask(context);
    default:
      return kind satisfies never;
  }
}

/** How much there is to do: of the validation data of a training job only executors know it. */
function examplesIn(spec: JobSpec, { stage, partition }: TaskMessage): number {
  if (stage.kind === "train") return examplesOf(spec, stage.round, partition);
  return spec.validation === undefined ? (spec.partitionRows[partition] ?? 0) : 0;
}
