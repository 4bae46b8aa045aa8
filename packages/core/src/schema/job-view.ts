import * as z from "zod";
import { JobId } from "../ids.js";
import { JobLimits } from "./events.js";
import { KernelKind } from "./model.js";
import { Stage } from "./stage.js";

/** What people and programs are shown of jobs. Everything in it is read from facts; nothing of it is stored. */

/** Milliseconds since the epoch. */
const Time = z.number();
const Count = z.number().int().min(0);
const Metrics = z.record(z.string(), z.number());

/** One line of `stampede jobs list`. */
export const JobSummary = z.strictObject({
  job: JobId,
  name: z.string(),
  kind: z.enum(["train", "evaluate", "predict"]),
  status: z.enum(["unfinished", "succeeded", "failed", "cancelled"]),
  round: Count,
  rounds: Count,
  createdAt: Time,
  endedAt: Time.optional(),
});
export type JobSummary = z.infer<typeof JobSummary>;

export const UnreadableRecord = z.strictObject({
  /** Absent for the one record that garbage collection leaves of all rounds. */
  round: Count.optional(),
  key: z.string(),
  found: z.enum(["damaged", "missing"]),
});
export type UnreadableRecord = z.infer<typeof UnreadableRecord>;

/** One attempt of one task. `stage` is its kind and round: `train 3`. */
const taskAttempt = { stage: z.string(), partition: Count, attempt: z.number().int().min(1) };

export const FailedAttempt = z.strictObject({ ...taskAttempt, at: Time, code: z.string(), message: z.string() });
export type FailedAttempt = z.infer<typeof FailedAttempt>;

/** `attempt` is the new one. */
export const Retry = z.strictObject({
  ...taskAttempt,
  at: Time,
  why: z.enum(["failed", "timed-out", "silent", "slow", "machine-gone", "continued"]),
  /** Of the attempt before, where it failed. */
  code: z.string().optional(),
});
export type Retry = z.infer<typeof Retry>;

export const DeadTaskView = z.strictObject({
  stage: z.string(),
  partition: Count,
  at: Time,
  attempts: z.number().int().min(1),
  code: z.string(),
  message: z.string(),
  /** Why its attempts failed, as far as they said it. */
  reasons: z
    .array(z.strictObject({ attempt: z.number().int().min(1), code: z.string(), message: z.string() }))
    .readonly(),
});
export type DeadTaskView = z.infer<typeof DeadTaskView>;

export const SignOfLife = z.strictObject({
  at: Time,
  /** When this was asked for. */
  agoMs: z.number().min(0),
  from: z.enum(["client", "driver", "executor", "parameter server"]),
});
export type SignOfLife = z.infer<typeof SignOfLife>;

export const RunningTask = z.strictObject({
  partition: Count,
  attempt: z.number().int().min(1),
  /** Started because the attempt before it is slow. */
  isBackup: z.boolean(),
  startedAt: Time,
  /** Its last sign of life; absent where there is none yet. */
  sign: z
    .strictObject({
      at: Time,
      agoMs: z.number().min(0),
      examples: Count,
      totalExamples: Count,
      memoryBytes: Count.optional(),
    })
    .optional(),
});
export type RunningTask = z.infer<typeof RunningTask>;

/** What a job that has not ended is doing, and when it was last heard of. */
export const UnderWay = z.strictObject({
  /** Absent before the driver's first decision; `preparation` of a job that the cloud is still to make of its request. */
  stage: z.union([Stage, z.literal("preparation")]).optional(),
  /** Tasks of the stage whose output is committed. */
  done: Count,
  /** Attempts that are under way, as far as is known: both of a task that has a backup. */
  tasks: z.array(RunningTask).readonly(),
  lastSign: SignOfLife,
});
export type UnderWay = z.infer<typeof UnderWay>;

/** One delta that counted, with the attempt that made it. */
const ExecutorHistory = z.strictObject({
  partition: Count,
  attempt: z.number().int().min(1),
  examples: Count,
  computeMs: z.number().min(0),
  /** From the start of the attempt to its commit: with waiting, loading and reading. */
  tookMs: z.number().min(0).optional(),
  /** The L2 norm of the delta. */
  norm: z.number().min(0).optional(),
  /** The most memory in use. */
  memoryBytes: Count.optional(),
  /** Of the kernels that trained it, 0 for those of every processor; absent where those trained all of it. */
  blocks: z.array(KernelKind).readonly().optional(),
  /** Why it left kernels of its processor's own alone. */
  kernelReason: z.string().optional(),
  /** The round that had ended without it, where it came late: it counts here with less weight. */
  lateFrom: Count.optional(),
  metrics: Metrics,
});

/** One round of the history: aggregated, and for each executor. */
export const RoundHistory = z.strictObject({
  round: Count,
  committedAt: Time,
  examples: Count,
  metrics: Metrics,
  /** Of this round's weights; absent when there is no validation data or it was not yet evaluated. */
  validation: Metrics.optional(),
  /** Executors without whose deltas the round ended (`training.quorum`). */
  missing: z.array(Count).readonly(),
  executors: z.array(ExecutorHistory).readonly(),
});
export type RoundHistory = z.infer<typeof RoundHistory>;

/** `stampede jobs show`: the life of one job from its facts. */
export const JobDetails = JobSummary.extend({
  executors: Count,
  engine: z.string(),
  /** Why it is not the compiled engine, where that was tried; of that one, why it does without blocked kernels, where those were wrong. */
  engineReason: z.string().optional(),
  /** Processor threads of each executor; absent for engines that decide for themselves. */
  threads: Count.optional(),
  limits: JobLimits,
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  metrics: Metrics,
  validation: Metrics.optional(),
  weightsSha256: z.string().optional(),
  /** Of the committed rounds whose records can be read. */
  history: z.array(RoundHistory).readonly(),
  /** Records of rounds that are not in the history, because they were damaged or removed from outside. */
  unreadable: z.array(UnreadableRecord).readonly(),
  /** Failed attempts of every round, with their reasons. */
  failures: z.array(FailedAttempt).readonly(),
  /** Attempts that were started because an earlier one failed, was lost or is slow. */
  retries: z.array(Retry).readonly(),
  /** The task that the job failed of, if it was one. */
  deadTask: DeadTaskView.optional(),
  /** Of a job that has not ended. */
  underWay: UnderWay.optional(),
});
export type JobDetails = z.infer<typeof JobDetails>;
