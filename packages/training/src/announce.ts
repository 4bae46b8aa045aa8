import { resolveMetrics, roundsOf, type Decision, type JobHead, type JobSpec, type Stage } from "@stampede/core";
import type { DriverDeps } from "./deps.js";
import { readRoundRecord } from "./job-store.js";

/** Tells of the round that a decision ends and of the stage that it begins. Call it once the decision is committed. */
export async function announceProgress(
  spec: JobSpec,
  before: JobHead | undefined,
  decision: Decision,
  deps: DriverDeps,
): Promise<void> {
  const next = decision.head?.stage;
  const entered = next !== undefined && (before === undefined || !sameStage(before.stage, next));
  const succeeded = decision.actions.some((action) => action.type === "end" && action.status === "succeeded");
  if (before?.stage.kind === "train" && (entered || succeeded)) await announceRound(spec, before, deps);
  if (!entered) return;
  const rounds = spec.kind === "train" ? roundsOf(spec) : 0;
  deps.events.emit({ event: "round.started", job: spec.job, stage: next, rounds, at: deps.clock.now() });
}

async function announceRound(spec: JobSpec, { stage, stageStartedAt }: JobHead, deps: DriverDeps): Promise<void> {
  const record = await readRoundRecord(deps.store, spec.job, stage.round);
  if (record === undefined) return;
  deps.events.emit({
    event: "round.finished",
    job: spec.job,
    round: stage.round,
    rounds: roundsOf(spec),
    examples: record.contributions.reduce((sum, contribution) => sum + contribution.examples, 0),
    metrics: resolveMetrics(record.metrics),
    ...(record.validation && { validation: resolveMetrics(record.validation) }),
    wallMs: Math.max(0, deps.clock.now() - stageStartedAt),
    slowestMs: record.contributions.reduce((slowest, contribution) => Math.max(slowest, contribution.computeMs), 0),
  });
}

function sameStage(a: Stage, b: Stage): boolean {
  return a.kind === b.kind && a.round === b.round;
}
