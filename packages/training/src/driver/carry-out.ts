import {
  CloseRecord,
  DeadLetterRecord,
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  encodeRecord,
  keys,
  maxTimerMs,
  RetryRecord,
  type Action,
  type DeadTask,
  type ErrorFacts,
  type JobId,
  type JobSpec,
  type StartAction,
  type TaskMessage,
} from "@stampede/core";
import { createAny } from "../store/commit.js";
import type { DriverDeps } from "../deps.js";
import { inParallel } from "../in-parallel.js";
import { readDeadLetter } from "../store/attempt-store.js";
import { commitResult } from "../store/job-store.js";
import { cancelledResult, failedResult, succeededResult } from "./result.js";

/** How many executors are started at the same time: each takes a request or two, and a stage may have 10,000. */
const startsAtOnce = 128;

/**
 * Does what the state machine decided, in its order; executors are started beside each other. Each action may be done twice: its effect is
 * a commit that only the first makes.
 *
 * @throws the first error: actions before it are done, and all starts that stand beside it were tried
 */
export async function carryOutAll(spec: JobSpec, actions: readonly Action[], deps: DriverDeps): Promise<void> {
  let starts: StartAction[] = [];
  for (const action of actions) {
    if (action.type === "start") {
      starts.push(action);
      continue;
    }
    await startAll(spec, starts, deps);
    starts = [];
    await carryOut(spec, action, deps);
  }
  await startAll(spec, starts, deps);
}

function startAll(spec: JobSpec, starts: readonly StartAction[], deps: DriverDeps): Promise<void> {
  return inParallel(starts, startsAtOnce, (action) => start(spec, action, deps));
}

async function carryOut(spec: JobSpec, action: Exclude<Action, StartAction>, deps: DriverDeps): Promise<void> {
  const { queues, clock } = deps;
  const { job } = spec;
  switch (action.type) {
    case "aggregate":
      return aggregate(job, action.round, deps);
    case "close":
      return close(job, action, deps);
    case "wake": {
      const look = { version: 1, type: "look", job, reason: "timer", timerAt: action.at } as const;
      return queues.driver.send(encodeMessage(DriverMessage, look), {
        // The clock may have been set back since the decision.
        delayMs: Math.min(maxTimerMs, Math.max(0, action.at - clock.now())),
      });
    }
    case "end":
      return end(spec, action, deps);
    default:
      return action satisfies never;
  }
}

async function start(spec: JobSpec, action: StartAction, deps: DriverDeps): Promise<void> {
  const { job } = spec;
  const { type: _, retry, ...attempted } = action;
  if (retry !== undefined) await explainRetry(job, action, retry, deps);
  const platform = platformOf(spec, action.partition);
  await deps.executors.start({ version: 1, job, ...attempted, attemptId: deps.unique.hex(16), platform });
}

/** The last `training.batchExecutors` partitions run as Batch jobs. */
function platformOf({ partitions, training }: JobSpec, partition: number): TaskMessage["platform"] {
  return partition >= partitions - training.batchExecutors ? "batch" : "function";
}

async function explainRetry(
  job: JobId,
  { stage, partition, attempt, startedAt: at }: StartAction,
  { why, error }: NonNullable<StartAction["retry"]>,
  { store, events }: DriverDeps,
): Promise<void> {
  const record: RetryRecord = { version: 1, job, stage, partition, attempt, at, why, ...(error && { error }) };
  await createAny(store, keys.retry(job, stage, partition, attempt), encodeRecord(RetryRecord, record));
  events.emit({ event: "task.retried", job, stage, partition, attempt, why, ...(error && { code: error.code }), at });
}

function aggregate(job: JobId, round: number, { queues }: DriverDeps): Promise<void> {
  return queues.deltas.send(encodeMessage(DeltaMessage, { version: 1, type: "delta", job, round }));
}

/** The first close of a round is its close: another driver may have counted one delta more, or less. */
async function close(
  job: JobId,
  { round, partitions }: Extract<Action, { type: "close" }>,
  deps: DriverDeps,
): Promise<void> {
  const { store, unique, clock } = deps;
  const record: CloseRecord = {
    version: 1,
    job,
    round,
    token: unique.hex(16),
    closedAt: clock.now(),
    partitions: [...partitions],
  };
  await createAny(store, keys.close(job, round), encodeRecord(CloseRecord, record));
  await aggregate(job, round, deps);
}

async function end(spec: JobSpec, action: Extract<Action, { type: "end" }>, deps: DriverDeps): Promise<void> {
  const { store, unique, clock } = deps;
  const { job } = spec;
  const stamp = { token: unique.hex(16), endedAt: clock.now() };
  switch (action.status) {
    case "cancelled":
      return commitResult(store, cancelledResult(job, stamp));
    case "failed": {
      const error = action.deadTask === undefined ? action.error : await buryTask(job, action.deadTask, deps);
      return commitResult(store, failedResult(job, error, stamp));
    }
    case "succeeded":
      return commitResult(store, await succeededResult(store, spec, action.stage, stamp));
    default:
      return action satisfies never;
  }
}

/** The first dead letter tells what the job failed of, also when another driver has written it and then died. */
async function buryTask(job: JobId, task: DeadTask, { store, clock }: DriverDeps): Promise<ErrorFacts> {
  const record: DeadLetterRecord = { version: 1, job, at: clock.now(), ...task, failures: [...task.failures] };
  await createAny(store, keys.deadLetter(job), encodeRecord(DeadLetterRecord, record));
  return (await readDeadLetter(store, job))?.error ?? task.error;
}
