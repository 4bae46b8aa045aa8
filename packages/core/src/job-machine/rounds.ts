import type { JobSpec } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";

/** A run of batches of one epoch, half open. Epochs and batches are 0-based. */
export interface EpochSlice {
  readonly epoch: number;
  readonly fromBatch: number;
  readonly toBatch: number;
}

type Plan = Pick<JobSpec, "training" | "partitionRows">;

/** Batches in one epoch of a partition; the last one may be short. */
export function batchesPerEpoch(rows: number, batchSize: number): number {
  return Math.ceil(rows / batchSize);
}

/** How many rounds a training job has, which follows from `training.frequency`. */
export function roundsOf(plan: Plan): number {
  const { frequency, epochs } = plan.training;
  if (frequency === "fit") return 1;
  return frequency === "epoch" ? epochs : epochs * roundsPerEpoch(plan);
}

/**
 * The batches that one partition trains in one round. With a frequency of H batches an epoch has as many rounds as the largest
 * partition needs; a smaller partition has nothing left to do in the last ones, and counts with no examples there.
 */
export function workOf(plan: Plan, round: number, partition: number): readonly EpochSlice[] {
  const { frequency, epochs, batchSize } = plan.training;
  const batches = batchesPerEpoch(plan.partitionRows[partition] ?? 0, batchSize);
  if (frequency === "fit") {
    return Array.from({ length: epochs }, (_, epoch) => ({ epoch, fromBatch: 0, toBatch: batches }));
  }
  if (frequency === "epoch") return [{ epoch: round - 1, fromBatch: 0, toBatch: batches }];
  const steps = stepsOf(frequency);
  const perEpoch = roundsPerEpoch(plan);
  const position = (round - 1) % perEpoch;
  return [
    {
      epoch: Math.floor((round - 1) / perEpoch),
      fromBatch: Math.min(position * steps, batches),
      toBatch: Math.min((position + 1) * steps, batches),
    },
  ];
}

/** Rows that a partition trains in one round: what `DeltaRecord.examples` must say. */
export function examplesOf(plan: Plan, round: number, partition: number): number {
  const rows = plan.partitionRows[partition] ?? 0;
  const { batchSize } = plan.training;
  const upTo = (batch: number): number => Math.min(batch * batchSize, rows);
  return workOf(plan, round, partition).reduce((sum, slice) => sum + upTo(slice.toBatch) - upTo(slice.fromBatch), 0);
}

export function firstStage(spec: JobSpec): Stage {
  return spec.kind === "train" ? { kind: "train", round: 1 } : { kind: spec.kind, round: 0 };
}

/** The stage after a completed one; undefined when the job is done. */
export function nextStage(spec: JobSpec, stage: Stage): Stage | undefined {
  if (stage.kind !== "train") return undefined;
  if (stage.round < roundsOf(spec)) return { kind: "train", round: stage.round + 1 };
  return spec.validation === undefined ? undefined : { kind: "evaluate", round: stage.round };
}

function roundsPerEpoch(plan: Plan): number {
  const { frequency, batchSize } = plan.training;
  if (frequency === "epoch" || frequency === "fit") return 1;
  const rows = plan.partitionRows.reduce((largest, count) => Math.max(largest, count), 0);
  return Math.max(1, Math.ceil(batchesPerEpoch(rows, batchSize) / stepsOf(frequency)));
}

function stepsOf(frequency: "batch" | { readonly steps: number }): number {
  return frequency === "batch" ? 1 : frequency.steps;
}
