import {
  deltaNorm,
  DeltaRecord,
  encodeTensorRecord,
  resolveMetrics,
  type EngineSession,
  type MetricStates,
  type NamedTensors,
  type PartitionData,
} from "@stampede/core";
import type { Checkpoint, Checkpoints } from "./checkpoints.js";
import { noTensors } from "./optimizer-state.js";
import { commitOutput } from "./output.js";
import { nonFinite, tooLong } from "./refusals.js";
import { joinTensors } from "../round-tensors.js";
import type { TaskContext } from "./task-context.js";
import type { TrainProgress } from "./train-progress.js";

/** A train task under way. */
export interface Training {
  readonly context: TaskContext;
  readonly session: EngineSession;
  readonly data: PartitionData;
  /** The weights that the round began with. */
  readonly base: NamedTensors;
  readonly checkpoints: Checkpoints;
  /** Where it goes on from; undefined for a task that began at the beginning. */
  readonly from: Checkpoint | undefined;
  /** When this attempt's own work began. */
  readonly began: number;
  readonly validation: MetricStates | undefined;
  readonly progress: TrainProgress;
}

/** Keeps what is trained so far. */
export async function keepCheckpoint(training: Training): Promise<void> {
  const { context, session, base, checkpoints, validation, progress } = training;
  const { job, stage, partition, attempt, attemptId } = context.task;
  if (checkpoints.has(progress.sum.batches)) return;
  const computeMs = computeMsOf(training);
  await context.limit.measured(async () => {
    const saved = await session.save();
    normOf(context, base, saved.weights);
    const own = { version: 1, job, round: stage.round, partition, attempt, attemptId } as const;
    const figures = { ...progress.sum, computeMs, tookMs: tookMsOf(training), blocks: progress.kernels };
    await checkpoints.save({ record: { ...own, ...figures, ...(validation && { validation }) }, ...saved });
  });
}

export async function commitDelta(training: Training): Promise<void> {
  const { context, session, base, validation, progress } = training;
  const { task, spec, existing, heartbeat, deps, residents } = context;
  const { job, stage, partition, attempt, attemptId } = task;
  const computeMs = computeMsOf(training);
  const saved = await session.save();
  const norm = normOf(context, base, saved.weights);
  const { max } = spec.training.deltaNorm ?? {};
  const { kernels, kernelReason } = progress;
  if (max !== undefined && norm > max) throw tooLong(task, norm, max);
  const record: DeltaRecord = {
    version: 1,
    job,
    round: stage.round,
    partition,
    attempt,
    attemptId,
    codec: "none",
    ...progress.sum,
    computeMs,
    tookMs: tookMsOf(training),
    norm,
    ...(heartbeat.memoryBytes !== undefined && { memoryBytes: heartbeat.memoryBytes }),
    ...(kernels.some((kind) => kind !== 0) && { blocks: kernels }),
    ...(kernelReason !== undefined && { kernelReason }),
    ...(validation && { validation }),
  };
  const optimizer = spec.training.optimizerState === "reset" ? noTensors : saved.optimizer;
  const body = encodeTensorRecord(DeltaRecord, record, joinTensors({ ...saved, optimizer }));
  await commitOutput(task, existing, body, deps.store);
  if (spec.training.optimizerState === "carried" && !task.frugal) {
    residents.carry(job, stage.round, partition, optimizer);
  }
  const { examples, metrics } = progress.sum;
  const told = resolveMetrics(metrics);
  deps.events.emit({ event: "task.finished", job, stage, partition, attempt, examples, metrics: told, computeMs });
}

/** Of all attempts that this one goes on from. */
function computeMsOf({ context, from, began }: Training): number {
  return (from?.record.computeMs ?? 0) + Math.max(0, context.deps.clock.now() - began);
}

function tookMsOf({ context, from }: Training): number {
  return (from?.record.tookMs ?? 0) + Math.max(0, context.deps.clock.now() - context.task.startedAt);
}

/** The length of the delta; not a number, and not infinite, before anything is kept. */
function normOf(context: TaskContext, before: NamedTensors, after: NamedTensors): number {
  const norm = deltaNorm(before, after);
  if (!Number.isFinite(norm)) throw nonFinite(context, firstNonFinite(after));
  return norm;
}

function firstNonFinite(weights: NamedTensors): string {
  for (const [name, { data }] of weights) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at !== -1) return `weight ${name}[${at}] is ${data[at]}`;
  }
  return "the weights that it began with are not finite";
}
