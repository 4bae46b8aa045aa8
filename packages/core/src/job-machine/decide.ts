import type { ErrorFacts } from "../errors.js";
import type { JobHead, JobSpec } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";
import type { Action, Decision, JobFacts, NextHead } from "./facts.js";
import { firstStage, nextStage } from "./rounds.js";
import { reviewTasks, startAll } from "./tasks.js";

/** How long the parameter server may be silent before it is told again that a round is complete. */
export const aggregationPatienceMs = 30_000;
/** A timer is a delayed message; SQS delays by 15 minutes at most. A job that waits longer is looked at in between. */
export const maxTimerMs = 900_000;

const nothing: Decision = { actions: [] };
const end = (action: Extract<Action, { type: "end" }>): Decision => ({ actions: [action] });

/**
 * The job state machine: from the facts to what happens next. Pure, total and idempotent: deciding twice on the same facts
 * gives the same decision, and a decision on facts that are already outdated does no harm, because every effect is a commit
 * that only the first can make.
 *
 * Each rule below either decides or passes on to the next one.
 */
export function decide(facts: JobFacts, now: number): Decision {
  if (facts.ended) return nothing;
  if (facts.cancelRequested) return end({ type: "end", status: "cancelled" });
  const { spec, head } = facts;
  if (head === undefined) return enter(spec, firstStage(spec), now);
  return (
    stageCompleted(facts, head, now) ??
    outOfTime(spec, now) ??
    awaitingAggregation(facts, head, now) ??
    tasksUnderWay(facts, head, now)
  );
}

function stageCompleted(facts: JobFacts, head: JobHead, now: number): Decision | undefined {
  const { spec } = facts;
  const complete = head.stage.kind === "train" ? facts.weightsCommitted : facts.outputs.size === spec.partitions;
  if (!complete) return undefined;
  const next = nextStage(spec, head.stage);
  if (next === undefined) return end({ type: "end", status: "succeeded", stage: head.stage });
  return outOfTime(spec, now) ?? enter(spec, next, now);
}

function outOfTime(spec: JobSpec, now: number): Decision | undefined {
  const limit = spec.training.jobTimeoutSeconds;
  if (limit === undefined || now < spec.createdAt + limit * 1000) return undefined;
  const message = `Expected the job to end within ${limit} s (training.jobTimeoutSeconds); it did not. It ends as failed.`;
  return failed({ code: "job.timed-out", message, retryable: false });
}

function awaitingAggregation(facts: JobFacts, head: JobHead, now: number): Decision | undefined {
  if (head.stage.kind !== "train" || facts.outputs.size < facts.spec.partitions) return undefined;
  const waiting = withTimer(facts, head, now + aggregationPatienceMs, now);
  return { ...waiting, actions: [{ type: "aggregate", round: head.stage.round }, ...waiting.actions] };
}

function tasksUnderWay(facts: JobFacts, head: JobHead, now: number): Decision {
  const review = reviewTasks(facts, head, now);
  if (review.fatal !== undefined) return failed(review.fatal);
  const changed = review.starts.length > 0;
  const waiting = withTimer(facts, { ...head, tasks: review.tasks }, review.nextDeadline, now);
  if (!changed) return waiting;
  return {
    head: waiting.head ?? { ...pickNext(head), tasks: review.tasks },
    actions: [...review.starts, ...waiting.actions],
  };
}

function enter(spec: JobSpec, stage: Stage, now: number): Decision {
  const { tasks, starts, nextDeadline } = startAll(spec, stage, now);
  const at = timerFor(spec, nextDeadline, now);
  return {
    head: { stage, stageStartedAt: now, tasks, timerAt: at },
    actions: [...starts, { type: "wake", at }],
  };
}

/** Makes sure that the job is looked at by `dueAt`, without a second timer where one is already pending. */
function withTimer(facts: JobFacts, head: NextHead, dueAt: number, now: number): Decision {
  const at = timerFor(facts.spec, dueAt, now);
  // A machine that went down took its executors and its timers with it.
  const pending = facts.executorsGoneBefore === 0 && head.timerAt > now && head.timerAt <= at;
  if (pending) return nothing;
  return { head: { ...pickNext(head), timerAt: at }, actions: [{ type: "wake", at }] };
}

function timerFor(spec: JobSpec, dueAt: number, now: number): number {
  const limit = spec.training.jobTimeoutSeconds;
  const jobDueAt = limit === undefined ? Number.POSITIVE_INFINITY : spec.createdAt + limit * 1000;
  return Math.max(now + 1, Math.min(dueAt, jobDueAt, now + maxTimerMs));
}

function pickNext(head: NextHead): NextHead {
  const { stage, stageStartedAt, tasks, timerAt } = head;
  return { stage, stageStartedAt, tasks, timerAt };
}

function failed(error: ErrorFacts): Decision {
  return end({ type: "end", status: "failed", error });
}
