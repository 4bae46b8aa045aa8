import {
  resolveMetrics,
  roundsOf,
  type Decision,
  type JobEvent,
  type JobHead,
  type JobSpec,
  type RoundRecord,
  type Stage,
} from "@stampede/core";
import { kernelFacts } from "../parameter-server/round-summary.js";

/**
 * What a decision that is committed tells of: the round that it ends and the stage that it begins.
 * @param record of the round that `before` speaks of, once it is committed
 * @param at when it was decided; a round lasts from one decision to the next, so that rounds add up to the whole
 */
export function announcementOf(
  spec: JobSpec,
  before: JobHead | undefined,
  decision: Decision,
  record: RoundRecord | undefined,
  at: number,
): readonly JobEvent[] {
  const next = decision.head?.stage;
  const entered = next !== undefined && (before === undefined || !sameStage(before.stage, next));
  const succeeded = decision.actions.some((action) => action.type === "end" && action.status === "succeeded");
  const ended = before?.stage.kind === "train" && (entered || succeeded) ? roundEnded(spec, before, record, at) : [];
  if (!entered) return ended;
  const rounds = spec.kind === "train" ? roundsOf(spec) : 0;
  return [...ended, { event: "round.started", job: spec.job, stage: next, rounds, at }];
}

function roundEnded(
  spec: JobSpec,
  { stage, stageStartedAt }: JobHead,
  record: RoundRecord | undefined,
  at: number,
): readonly JobEvent[] {
  if (record === undefined) return [];
  const event: JobEvent = {
    event: "round.finished",
    job: spec.job,
    round: stage.round,
    rounds: roundsOf(spec),
    examples: record.contributions.reduce((sum, contribution) => sum + contribution.examples, 0),
    metrics: resolveMetrics(record.metrics),
    ...(record.validation && { validation: resolveMetrics(record.validation) }),
    wallMs: Math.max(0, at - stageStartedAt),
    slowestMs: record.contributions.reduce((slowest, contribution) => Math.max(slowest, contribution.computeMs), 0),
    ...kernelFacts(record),
  };
  return [event];
}

function sameStage(a: Stage, b: Stage): boolean {
  return a.kind === b.kind && a.round === b.round;
}
