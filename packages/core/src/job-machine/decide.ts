import type { ErrorFacts } from "../errors.js";
import { kernelKinds } from "../kernels.js";
import type { JobHead, JobSpec } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";
import type { Action, DeadTask, Decision, JobFacts, NextHead } from "./facts.js";
import { firstStage, nextStage } from "./rounds.js";
import { rememberDurations } from "./stragglers.js";
import { membersOf, reviewTasks, startAll } from "./tasks.js";

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
  if (head === undefined) return enter(spec, firstStage(spec), undefined, now);
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
  const known = {
    ...head,
    durations: rememberDurations(head.durations, facts.durations),
    blocks: kernelKinds([...head.blocks, ...facts.blocks]),
  };
  return outOfTime(spec, now) ?? enter(spec, next, known, now);
}

function outOfTime(spec: JobSpec, now: number): Decision | undefined {
  const limit = spec.training.jobTimeoutSeconds;
  if (limit === undefined || now < spec.createdAt + limit * 1000) return undefined;
  const message = `Expected the job to end within ${limit} s (training.jobTimeoutSeconds); it did not. It ends as failed.`;
  return failed({ code: "job.timed-out", message, retryable: false });
}

function awaitingAggregation(facts: JobFacts, head: JobHead, now: number): Decision | undefined {
  if (head.stage.kind !== "train" || !membersOf(facts).every((partition) => facts.outputs.has(partition))) {
    return undefined;
  }
  const waiting = withTimer(facts, head, head, now + aggregationPatienceMs, now);
  return { ...waiting, actions: [{ type: "aggregate", round: head.stage.round }, ...waiting.actions] };
}

function tasksUnderWay(facts: JobFacts, head: JobHead, now: number): Decision {
  const review = reviewTasks(facts, head, now);
  if (review.type === "fatal") return failed(review.task.error, review.task);
  if (review.type === "close") {
    const { round } = head.stage;
    const waiting = withTimer(facts, head, head, now + aggregationPatienceMs, now);
    return { ...waiting, actions: [...waiting.actions, { type: "close", round, partitions: review.partitions }] };
  }
  const waiting = withTimer(facts, head, review.head, review.lookAt, now);
  if (!review.changed) return { ...waiting, actions: [...waiting.actions, ...review.starts] };
  return { head: waiting.head ?? pickNext(review.head), actions: [...waiting.actions, ...review.starts] };
}

function enter(spec: JobSpec, stage: Stage, before: NextHead | undefined, now: number): Decision {
  const head = startAll(spec, stage, before, now);
  const at = timerFor(spec, head.lookAt, now);
  return {
    head: { ...pickNext({ ...head.head, timerAt: at }) },
    actions: [{ type: "wake", at }, ...head.starts],
  };
}

/** Makes sure that the job is looked at by `dueAt`, without a second timer where one is already pending. */
function withTimer(facts: JobFacts, head: JobHead, next: NextHead, dueAt: number, now: number): Decision {
  const at = timerFor(facts.spec, dueAt, now);
  const { executorsGone, redelivered, firedTimer } = facts.wake;
  // A machine that went down took its timers with it, and whoever died after the commit never set one.
  const mayBeLost = executorsGone || redelivered || firedTimer === head.timerAt;
  if (!mayBeLost && head.timerAt > now && head.timerAt <= at) return nothing;
  return { head: { ...pickNext(next), timerAt: at }, actions: [{ type: "wake", at }] };
}

function timerFor(spec: JobSpec, dueAt: number, now: number): number {
  const limit = spec.training.jobTimeoutSeconds;
  const jobDueAt = limit === undefined ? Number.POSITIVE_INFINITY : spec.createdAt + limit * 1000;
  return Math.max(now + 1, Math.min(dueAt, jobDueAt, now + maxTimerMs));
}

function pickNext(head: NextHead): NextHead {
  const { stage, stageStartedAt, tasks, backups, continued, frugal, durations, blocks, halfAfterMs, timerAt } = head;
  const half = halfAfterMs === undefined ? {} : { halfAfterMs };
  return { stage, stageStartedAt, tasks, backups, continued, frugal, durations, blocks, ...half, timerAt };
}

function failed(error: ErrorFacts, deadTask?: DeadTask): Decision {
  return end({ type: "end", status: "failed", error, ...(deadTask && { deadTask }) });
}
