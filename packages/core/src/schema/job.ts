import * as z from "zod";
import { AttemptId, DatasetId, JobId } from "../ids.js";
import { errorCatalogue, type ErrorCode } from "../error-catalogue.js";
import { Block, Compute, EngineName, GraphClaim, KernelKind, ModelDefinition } from "./model.js";
import { MetricStates } from "./metrics.js";
import { Partition, Round, Stage } from "./stage.js";
import { TrainingSettings } from "./training.js";

const Milliseconds = z.number().min(0);
const isErrorCode = (text: string): text is ErrorCode => text in errorCatalogue;
export const ErrorRecord = z.strictObject({
  code: z.string().refine(isErrorCode),
  message: z.string().max(100_000),
  retryable: z.boolean(),
});

/** What was asked for. Immutable: `jobs/<job>/spec.json`. */
export const JobSpec = z.strictObject({
  version: z.literal(1),
  job: JobId,
  name: z.string().min(1).max(200),
  kind: z.enum(["train", "evaluate", "predict"]),
  createdAt: Milliseconds,
  engine: EngineName,
  /** Why it is not the compiled engine, where that was tried; of that one, why it does without blocked kernels, where those were wrong. */
  engineReason: z.string().max(10_000).optional(),
  /** Of the compiled engine. */
  compute: Compute.optional(),
  /** Of the compiled engine: all graphs that the job's tasks need. */
  graphs: z.array(GraphClaim).max(1000).optional(),
  model: ModelDefinition,
  /** The data set that is trained on, evaluated or predicted; one executor for each of its partitions. */
  dataset: DatasetId,
  partitions: z.number().int().min(1).max(10_000),
  /** Rows of each partition, in order. */
  partitionRows: z.array(z.number().int().min(0)),
  /** Evaluated with the weights of every round; has as many partitions as `dataset`. */
  validation: DatasetId.optional(),
  training: TrainingSettings,
  /** In so many objects the weights of each round are stored (`slicingOf`); absent for one. */
  slices: z.number().int().min(1).max(10_000).optional(),
  /** In so many parts they are averaged, a multiple of the slices; absent for as many. */
  parts: z.number().int().min(1).max(10_000).optional(),
});
export type JobSpec = z.infer<typeof JobSpec>;

/** The last try of each task of the stage; lists are indexed by partition. */
export const TaskTable = z.strictObject({
  /** The number of the last attempt, from 1. */
  attempts: z.array(z.number().int().min(1)),
  /** Attempts that failed or timed out; one lost together with the whole machine does not count, nor does one that is continued. */
  failures: z.array(z.number().int().min(0)),
  startedAt: z.array(Milliseconds),
  deadlines: z.array(Milliseconds),
});
export type TaskTable = z.infer<typeof TaskTable>;

/** The moving part of a job, written by compare-and-swap: `jobs/<job>/head.json`. */
export const JobHead = z.strictObject({
  version: z.literal(1),
  job: JobId,
  /** Unique for every write, so that no two bodies (and etags) are equal. */
  token: AttemptId,
  stage: Stage,
  stageStartedAt: Milliseconds,
  tasks: TaskTable,
  /** Partitions of this stage that were started a second time because they are slow. */
  backups: z.array(Partition).default([]),
  /** Tasks of this stage that go on from the checkpoint of the attempt before, and when the first of those attempts was started. */
  continued: z.array(z.strictObject({ partition: Partition, begunAt: Milliseconds })).default([]),
  /** Partitions whose tasks ran out of memory before, in any stage. */
  frugal: z.array(Partition).default([]),
  /** How long the last tasks took, from their start to their commit; the newest last. */
  durations: z.array(Milliseconds).max(64).default([]),
  /** Of the kernels that have trained the rounds before, each kind once, the largest first. */
  blocks: z.array(KernelKind).default([]),
  /** How old the stage was when half of its outputs were first seen. */
  halfAfterMs: Milliseconds.optional(),
  /** The timer that is pending, as far as the driver knows. */
  timerAt: Milliseconds,
});
export type JobHead = z.infer<typeof JobHead>;

/** Somebody asked for the job to stop: `jobs/<job>/cancel.json`. */
export const CancelRecord = z.strictObject({ version: z.literal(1), job: JobId, requestedAt: Milliseconds });

/** How an attempt ended without an output, as the executor or its platform reported it: it failed, or is to be continued. */
export const FailureRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  stage: Stage,
  partition: Partition,
  attempt: z.number().int().min(1),
  failedAt: Milliseconds,
  error: ErrorRecord,
  /** Its output was committed and then found damaged: it does not count as long as `objectHashOf` its etag is this. */
  damagedObject: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  /** No failure: its invocation had no time left, and the checkpoint with so many batches is there to go on from. */
  continuesAt: z.number().int().min(0).optional(),
});
export type FailureRecord = z.infer<typeof FailureRecord>;

/** Why a task was started again: `jobs/<job>/rounds/.../retries/...`. An explanation, nothing depends on it. */
export const RetryRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  stage: Stage,
  partition: Partition,
  /** The new attempt. */
  attempt: z.number().int().min(2),
  at: Milliseconds,
  why: z.enum(["failed", "timed-out", "silent", "slow", "machine-gone", "continued"]),
  error: ErrorRecord.optional(),
});
export type RetryRecord = z.infer<typeof RetryRecord>;

/** A sign of life of an attempt, moved on while it makes progress. */
export const ProgressRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  stage: Stage,
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  at: Milliseconds,
  examples: z.number().int().min(0),
  totalExamples: z.number().int().min(0),
  /** The longest piece of work so far: until the next sign it may take as long again. */
  longestPieceMs: Milliseconds,
  memoryBytes: z.number().int().min(0).optional(),
});
export type ProgressRecord = z.infer<typeof ProgressRecord>;

/** A round that ends without all of its deltas (`training.quorum`): which ones count. */
export const CloseRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  token: AttemptId,
  closedAt: Milliseconds,
  /** Ascending. */
  partitions: z.array(Partition).min(1),
});
export type CloseRecord = z.infer<typeof CloseRecord>;

/** A task that failed in all of its attempts, or in a way that no attempt can mend, and so ended its job. */
export const DeadLetterRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  stage: Stage,
  partition: Partition,
  at: Milliseconds,
  attempts: z.number().int().min(1),
  error: ErrorRecord,
  failures: z.array(FailureRecord).max(1000),
});
export type DeadLetterRecord = z.infer<typeof DeadLetterRecord>;

/** The end of a job; the first one wins: `jobs/<job>/result.json`. */
export const JobResult = z.strictObject({
  version: z.literal(1),
  job: JobId,
  token: AttemptId,
  status: z.enum(["succeeded", "failed", "cancelled"]),
  endedAt: Milliseconds,
  error: ErrorRecord.optional(),
  /** The round whose weights are the job's result. */
  round: Round,
  /** Training metrics of the last round, or those of an evaluation. */
  metrics: MetricStates,
  validation: MetricStates.optional(),
  weightsSha256: z.string().optional(),
});
export type JobResult = z.infer<typeof JobResult>;

/** In characters: a round's record has it of each executor that has one. */
export const maxKernelReason = 300;

/** More than one kind where attempts ran on different processors. */
const Kernels = z.array(KernelKind).max(3);

/** Measured by executors; absent in what earlier versions wrote. */
const taskFigures = {
  /** From the driver's start of the attempt to the commit: with waiting, loading and reading. Of a task with checkpoints all of its attempts. */
  tookMs: Milliseconds.optional(),
  /** The L2 norm of the delta, over all weights together. */
  norm: z.number().min(0).optional(),
  /** The most memory in use between two pieces of work. */
  memoryBytes: z.number().int().min(0).optional(),
  /**
   * Of the kernels that trained it, by all attempts that its work is of: each kind once, the largest first. Absent where those of every
   * processor trained all of it.
   */
  blocks: Kernels.optional(),
  /** In place of `blocks` in what earlier versions wrote: of the blocked kernels that trained last; absent where there were none. */
  block: Block.optional(),
  /** Why it left kernels of its processor's own alone: they compute something else than those of every processor. */
  kernelReason: z.string().max(maxKernelReason).optional(),
};

/** The metadata of a delta. */
export const DeltaRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  /** `none`: the tensors are the executor's weights after the round; the aggregator averages them in float64. */
  codec: z.enum(["none"]),
  examples: z.number().int().min(0),
  batches: z.number().int().min(0),
  computeMs: Milliseconds,
  ...taskFigures,
  metrics: MetricStates,
  /** Of the weights that the round began with, on this partition of the validation data. */
  validation: MetricStates.optional(),
});
export type DeltaRecord = z.infer<typeof DeltaRecord>;

/** The metadata of a checkpoint: all that a task which goes on from it needs to end in the bits of one that was never cut. */
export const CheckpointRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  /** Of the task, by all of its attempts so far; the figures below too. */
  batches: z.number().int().min(0),
  examples: z.number().int().min(0),
  computeMs: Milliseconds,
  /** As in a delta, without the time between two attempts. */
  tookMs: Milliseconds,
  /** Of all kernels that trained it, also where those are of every processor; absent where an earlier version wrote it: nobody knows. */
  blocks: Kernels.optional(),
  metrics: MetricStates,
  /** Of the weights that the round began with, where that has been done. */
  validation: MetricStates.optional(),
});
export type CheckpointRecord = z.infer<typeof CheckpointRecord>;

export const Contribution = z.strictObject({
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  examples: z.number().int().min(0),
  computeMs: Milliseconds,
  ...taskFigures,
  metrics: MetricStates,
  /** The round it was made for, where that had ended without it: it counts here with less weight. */
  lateFrom: Round.optional(),
});
export type Contribution = z.infer<typeof Contribution>;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** @member sha256 `hashTensors` of the slice's tensors: equal for two functions that averaged the same */
const SliceClaim = z.strictObject({ bytes: z.number().int().min(0), sha256: Sha256 });

/** The metadata of committed weights: what went into them. */
export const RoundRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  attemptId: AttemptId,
  committedAt: Milliseconds,
  contributions: z.array(Contribution),
  metrics: MetricStates,
  /** Of the weights of the round before. */
  validation: MetricStates.optional(),
  /** Absent where the weights lie in slices, but for the last round of a job: nobody has them all in memory. */
  weightsSha256: Sha256.optional(),
  /** Where the weights lie in objects of their own (`keys.slice`), what these contain. */
  slices: z.array(SliceClaim).max(10_000).optional(),
});
export type RoundRecord = z.infer<typeof RoundRecord>;

/** What an evaluate task commits. */
export const EvaluationRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  examples: z.number().int().min(0),
  computeMs: Milliseconds,
  metrics: MetricStates,
});
export type EvaluationRecord = z.infer<typeof EvaluationRecord>;

/** The rounds of an ended job, in place of their weights, which nobody needs any more: `jobs/<job>/history.json`. */
export const HistoryRecord = z.strictObject({ version: z.literal(1), job: JobId, rounds: z.array(RoundRecord) });
export type HistoryRecord = z.infer<typeof HistoryRecord>;
