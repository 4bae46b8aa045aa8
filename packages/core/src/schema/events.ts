import * as z from "zod";
import { JobId } from "../ids.js";
import { EngineName } from "./model.js";
import { Partition, Round, Stage } from "./stage.js";

/** What ends or repeats work that takes too long. */
export const JobLimits = z.strictObject({
  taskTimeoutSeconds: z.number(),
  maxAttempts: z.number(),
  heartbeatTimeoutSeconds: z.number(),
  jobTimeoutSeconds: z.number().optional(),
  backups: z.boolean(),
  quorum: z.number(),
  graceSeconds: z.number(),
});
export type JobLimits = z.infer<typeof JobLimits>;

const Metrics = z.record(z.string(), z.number());
const Count = z.number().int().min(0);
const Ms = z.number().min(0);
/** Of kernels, as a record has them: each kind once, largest first, 0 for those of every processor. */
const Blocks = z.array(Count);
const task = { job: JobId, stage: Stage, partition: Partition, attempt: z.number().int().min(1) };

/** What a job tells while it runs: one JSON object a line with `--json`, the source of the live view and of the logs. */
export const JobEvent = z.discriminatedUnion("event", [
  z.strictObject({
    event: z.literal("data.ready"),
    job: JobId,
    set: z.enum(["train", "validation", "evaluate", "predict"]),
    dataset: z.string(),
    rows: Count,
    partitions: Count,
    bytes: Count,
    /** An earlier job had written the same partitions. */
    reused: z.boolean(),
    ms: Ms,
  }),
  z.strictObject({
    event: z.literal("job.submitted"),
    job: JobId,
    name: z.string(),
    kind: z.enum(["train", "evaluate", "predict"]),
    engine: EngineName,
    /** Why it is not the compiled engine, where that was tried; of that one, why it does without blocked kernels, where those were wrong. */
    engineReason: z.string().optional(),
    executors: Count,
    rounds: Count,
    parameters: Count,
    resumed: z.boolean(),
    /** Of the kernels that have trained the rounds before, of a job that goes on: these rounds are not told again. */
    blocks: Blocks.optional(),
    /** Every deadline and bound of the job, with its defaults. Seconds. */
    limits: JobLimits.optional(),
  }),
  z.strictObject({ event: z.literal("round.started"), job: JobId, stage: Stage, rounds: Count, at: Ms }),
  z.strictObject({ event: z.literal("task.started"), ...task, at: Ms }),
  z.strictObject({
    event: z.literal("task.progress"),
    ...task,
    examples: Count,
    totalExamples: Count,
    /** Running means since the beginning of the task. */
    metrics: Metrics,
    examplesPerSecond: z.number().min(0),
  }),
  z.strictObject({ event: z.literal("task.finished"), ...task, examples: Count, metrics: Metrics, computeMs: Ms }),
  z.strictObject({ event: z.literal("task.failed"), ...task, code: z.string(), message: z.string() }),
  /** A task was started again: `attempt` is the new one. */
  z.strictObject({
    event: z.literal("task.retried"),
    ...task,
    why: z.enum(["failed", "timed-out", "silent", "slow", "machine-gone", "continued"]),
    code: z.string().optional(),
    at: Ms,
  }),
  z.strictObject({
    event: z.literal("round.finished"),
    job: JobId,
    round: Round,
    rounds: Count,
    examples: Count,
    metrics: Metrics,
    /** Of the weights of the round before; see RoundRecord. */
    validation: Metrics.optional(),
    wallMs: Ms,
    /** The slowest executor's own time: wallMs minus this is the system's overhead. */
    slowestMs: Ms,
    /**
     * Of the kernels that trained it; absent where those of every processor trained all. More than one kind in a round, or from one round to
     * another, means that the job's last bits depend on which is which.
     */
    blocks: Blocks.optional(),
    /** Why an executor left kernels of its processor's own alone, where one did; the first of them. */
    kernelReason: z.string().optional(),
  }),
  z.strictObject({
    event: z.literal("job.succeeded"),
    job: JobId,
    metrics: Metrics,
    validation: Metrics.optional(),
    rounds: Count,
    executors: Count,
    wallMs: Ms,
    /** The sum of all executors' own time. */
    computeMs: Ms,
    /** Of the kernels that trained any of its rounds, here also where those of every processor trained all: `[0]`. */
    blocks: Blocks.optional(),
    weightsSha256: z.string().optional(),
    modelPath: z.string().optional(),
    /** Where predictions were written. */
    outputPath: z.string().optional(),
  }),
  z.strictObject({ event: z.literal("job.failed"), job: JobId.optional(), code: z.string(), message: z.string() }),
]);
export type JobEvent = z.infer<typeof JobEvent>;
