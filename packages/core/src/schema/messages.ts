import * as z from "zod";
import { AttemptId, JobId } from "../ids.js";
import { ErrorRecord } from "./job.js";
import { ReductionNode } from "./reduction.js";
import { Partition, Round, Stage } from "./stage.js";

/** The payload of an executor invocation: one attempt of one task. */
export const TaskMessage = z.strictObject({
  version: z.literal(1),
  job: JobId,
  stage: Stage,
  partition: Partition,
  attempt: z.number().int().min(1),
  attemptId: AttemptId,
  /** When the driver started the attempt; milliseconds since the epoch. */
  startedAt: z.number(),
  /** Milliseconds since the epoch; work that ends later is not waited for. */
  deadlineAt: z.number(),
  /** An earlier attempt ran out of memory: keep nothing that can be read again, and work in the smallest pieces. */
  frugal: z.boolean().default(false),
  /** What runs it where there is a choice: a function, or a job of AWS Batch. */
  platform: z.enum(["function", "batch"]).default("function"),
});
export type TaskMessage = z.infer<typeof TaskMessage>;

/** On queue `driver`. Hints only: the driver reads the facts and decides anew. */
export const DriverMessage = z.discriminatedUnion("type", [
  z.strictObject({
    version: z.literal(1),
    type: z.literal("look"),
    job: JobId,
    reason: z.enum(["submitted", "round", "task", "timer", "sweep", "cancel"]),
    /** The timer (`JobHead.timerAt`) that has come due, or is known to be lost. */
    timerAt: z.number().optional(),
  }),
  /** A job was requested, or something that its preparation waits for is there. */
  z.strictObject({ version: z.literal(1), type: z.literal("prepare"), job: JobId }),
  /** Every executor that was started by the head with this token, or before, is known to be gone: its tasks are started anew at once. */
  z.strictObject({ version: z.literal(1), type: z.literal("resumed"), job: JobId, head: AttemptId }),
  /** The platform reports that an invocation ended without a word of its own (crash, timeout, out of memory). */
  z.strictObject({
    version: z.literal(1),
    type: z.literal("invocation-failed"),
    task: TaskMessage,
    error: ErrorRecord,
  }),
  /** A committed output is damaged, as long as it carries this etag: its task has to be done again. */
  z.strictObject({
    version: z.literal(1),
    type: z.literal("output-damaged"),
    job: JobId,
    stage: Stage,
    partition: Partition,
    etag: z.string().max(200),
    message: z.string().max(10_000),
  }),
]);
export type DriverMessage = z.infer<typeof DriverMessage>;

/** A pointer to a stored object instead of its bytes. */
export const Claim = z.strictObject({
  key: z.string().max(1024),
  etag: z.string().max(200),
  bytes: z.number().int().min(0),
});

/**
 * On queue `deltas`. Hints, except for those with `make`: a delta was committed, or (without a claim) the driver finds a
 * complete round without weights.
 */
export const DeltaMessage = z.strictObject({
  version: z.literal(1),
  type: z.literal("delta"),
  job: JobId,
  round: Round,
  claim: Claim.optional(),
  /** Make this of the round's deltas, and what can be made of it then. */
  make: ReductionNode.optional(),
  /** From a parameter server to the next one: a look that was left out, because there had been one a moment before. */
  isLeftOut: z.literal(true).optional(),
});
export type DeltaMessage = z.infer<typeof DeltaMessage>;
