import {
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  keys,
  suspendsJob,
  toErrorFacts,
  type TaskMessage,
} from "@stampede/core";
import type { ExecutorDeps } from "./deps.js";
import { runEvaluateTask } from "./evaluate-task.js";
import { commitFailure, exists } from "./job-store.js";
import { runPredictTask } from "./predict-task.js";
import { Residents } from "./residents.js";
import { Abandoned, type TaskContext } from "./task-context.js";
import { runTrainTask } from "./train-task.js";

/**
 * An executor: runs one task at a time and keeps models and partitions in memory in between. A task's output is one object,
 * committed once; a second attempt finds it and stops.
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
   * even that could not be written, and the platform then reports the invocation as failed.
   */
  async run(task: TaskMessage): Promise<void> {
    const { store } = this.#deps;
    try {
      if (!(await exists(store, keys.output(task.job, task.stage, task.partition)))) await this.#attempt(task);
    } catch (error) {
      if (error instanceof Abandoned) return;
      return this.#report(task, error);
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

  async #attempt(task: TaskMessage): Promise<void> {
    const { job, stage, partition, attempt } = task;
    const { events, clock } = this.#deps;
    events.emit({ event: "task.started", job, stage, partition, attempt, at: clock.now() });
    const spec = await this.#residents.spec(job);
    const context: TaskContext = { task, spec, deps: this.#deps, residents: this.#residents };
    switch (stage.kind) {
      case "train":
        return runTrainTask(context);
      case "evaluate":
        return runEvaluateTask(context);
      case "predict":
        return runPredictTask(context);
      default:
        return stage.kind satisfies never;
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
