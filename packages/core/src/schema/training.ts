import * as z from "zod";
import { GradientSettings } from "./model.js";

/** The settings of a training job, with every default. Durations carry their unit. */
export const TrainingSettings = z.strictObject({
  /** Partitions of the training data, each trained by one executor in every round. */
  executors: z.number().int().min(1).max(10_000).default(2),
  epochs: z.number().int().min(1).max(100_000).default(1),
  batchSize: z.number().int().min(1).max(1_000_000).default(32),
  /** `synchronous`: a barrier every round; the weights become the sample-weighted mean of the executors'. */
  mode: z.enum(["synchronous"]).default("synchronous"),
  /**
   * So many of the executors, the last ones, run as jobs of AWS Batch (with a GPU, or longer than a function may) instead of as
   * functions. Changes nothing where the platform has no Batch.
   */
  batchExecutors: z.number().int().min(0).max(10_000).default(0),
  /** How often executors exchange weights: after each epoch, once at the end, after each batch, or every `steps` batches. */
  frequency: z
    .union([z.enum(["epoch", "fit", "batch"]), z.strictObject({ steps: z.number().int().min(1).max(1_000_000_000) })])
    .default("epoch"),
  /** Everything random follows from it: initial weights of built models, partitions, shuffles, dropout masks. */
  seed: z.number().int().min(0).max(4_294_967_295).default(0),
  /** Whether each executor visits its rows in a new order every epoch. */
  shuffle: z.boolean().default(true),
  /** The executor's optimizer slots (momentum, Adam moments) between rounds: its own, the mean of all, or none. */
  optimizerState: z.enum(["carried", "averaged", "reset"]).default("carried"),
  /** What happens to gradients before the optimizer sees them; nothing by default. Travels with the model to the executors. */
  gradients: GradientSettings.optional(),
  /** Tries of one task before the job fails. */
  maxAttempts: z.number().int().min(1).max(100).default(3),
  /** Whether a task that takes much longer than the others is started a second time; the first of the two to end counts. */
  backups: z.boolean().default(true),
  /**
   * The share of the partitions without whose deltas a round does not end. Below 1 a round ends without the slowest ones, and which
   * those are depends on the time: the result is then no longer the same every time.
   */
  quorum: z.number().gt(0).max(1).default(1),
  /** With a quorum: what a round waits at most, beyond the time that its tasks usually take, for the deltas that are still missing. */
  graceSeconds: z.number().min(0).max(86_400).default(60),
  /**
   * What becomes of a delta that comes after its round has ended: nothing, or it counts in the next round, weighted with 1/sqrt(2)
   * (FedBuff, arXiv 2106.06639: 1/sqrt(1 + staleness)).
   */
  lateDeltas: z.enum(["discard", "merge"]).default("discard"),
  /** Guards of every delta, by its length: the L2 norm of what the round changed in all weights together. */
  deltaNorm: z
    .strictObject({
      /** A longer delta ends the job. */
      max: z.number().positive().optional(),
      /** A delta longer than this many times the median of its round is shortened to that. */
      clip: z.number().positive().optional(),
    })
    .optional(),
  /** An executor that has begun a task and is not heard of for so long counts as lost: its task is tried again. */
  heartbeatTimeoutSeconds: z.number().min(1).max(86_400).default(60),
  /**
   * What one attempt of a task may take. A task that trains longer goes on in another attempt, which does not count as failed; one that
   * does not end, or evaluates or predicts for longer, counts as lost. The default is the limit of a Lambda function: 15 minutes.
   */
  taskTimeoutSeconds: z.number().positive().max(86_400).default(900),
  /**
   * A task that trains keeps its work in a checkpoint so often, and in any case when the time of its invocation is over: the next attempt
   * goes on from there.
   */
  checkpointSeconds: z.number().positive().max(86_400).default(300),
  /**
   * Whether executors compute with what every processor has, instead of the fastest that their own has: the same kernels
   * on different processors, and slower convolutions.
   */
  portable: z.boolean().optional(),
  /** The whole job's limit, from its submission on, also while it is interrupted; none by default. */
  jobTimeoutSeconds: z.number().positive().max(31_536_000).optional(),
});
export type TrainingSettings = z.infer<typeof TrainingSettings>;
