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
  /** After this time a task counts as lost and is tried again. The default is the limit of a Lambda function: 15 minutes. */
  taskTimeoutSeconds: z.number().positive().max(86_400).default(900),
  /** The whole job's limit; none by default. */
  jobTimeoutSeconds: z.number().positive().max(31_536_000).optional(),
});
export type TrainingSettings = z.infer<typeof TrainingSettings>;
