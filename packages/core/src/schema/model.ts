import * as z from "zod";

const JsonObject = z.record(z.string(), z.json());

/** What happens to gradients before the optimizer sees them, in this order. */
export const GradientSettings = z.strictObject({
  /** FedProx: adds this times (weight - weight at the beginning of the round). https://arxiv.org/abs/1812.06127, equation 2 */
  proximal: z.number().positive().optional(),
  /** Each element is kept between -clipValue and clipValue. */
  clipValue: z.number().positive().optional(),
  /** Each weight's gradient is scaled down to at most this length. */
  clipNorm: z.number().positive().optional(),
  /** All gradients together are scaled down to at most this length. */
  globalClipNorm: z.number().positive().optional(),
});
export type GradientSettings = z.infer<typeof GradientSettings>;

/** What `model.compile` was given, in the form of tfjs' `model.json`; losses and metrics by the names that `compile` takes. */
export const TrainingConfig = z.strictObject({
  optimizer_config: z.strictObject({ class_name: z.string(), config: JsonObject }),
  loss: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.string())]),
  metrics: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).optional(),
  gradients: GradientSettings.optional(),
});
export type TrainingConfig = z.infer<typeof TrainingConfig>;

/** A model without its weights. No code: topology and configuration only. */
export const ModelDefinition = z.strictObject({
  format: z.literal("tfjs-layers"),
  /** The `modelTopology` of tfjs' `model.json`. */
  topology: JsonObject,
  training: TrainingConfig,
  /** Shape of one row of each input and each output; the batch dimension is left out, an open dimension is null. */
  inputs: z.array(z.strictObject({ name: z.string(), shape: z.array(z.number().int().positive().nullable()) })).min(1),
  outputs: z.array(z.strictObject({ name: z.string(), shape: z.array(z.number().int().positive().nullable()) })).min(1),
});
export type ModelDefinition = z.infer<typeof ModelDefinition>;

/** `compiled`: graphs on onnxruntime; the others are TensorFlow.js with one of its backends. */
export const EngineName = z.enum(["compiled", "tfjs-node", "tfjs-wasm", "tfjs-cpu"]);
export type EngineName = z.infer<typeof EngineName>;

/** How an engine uses a processor. The number of threads decides how sums are cut, and so the bits of the result. */
export const Compute = z.strictObject({
  threads: z.number().int().min(1).max(256),
  /** Whether threads wait in a loop: faster, where no other program wants the cores. */
  spinning: z.boolean(),
  /** Only graphs that every processor runs, even where a faster one is stored. */
  portable: z.literal(true).optional(),
  /**
   * Rows of the batch with which a session compares kernels of the processor's own with those of every processor, before it trains with
   * them; the job has graphs for it. Left out where there are no such kernels.
   */
  selfCheckRows: z.number().int().min(1).max(256).optional(),
});
export type Compute = z.infer<typeof Compute>;

/**
 * How many channels the blocked convolution kernels of a processor keep side by side: 16 with AVX-512, 8 with AVX. A graph that was made
 * for another block computes wrong numbers and no error.
 */
export const Block = z.union([z.literal(8), z.literal(16)]);
export type Block = z.infer<typeof Block>;

/** Which kernels trained something: by their block, 0 for those that every processor has. Other kinds have other last bits. */
export const KernelKind = z.union([Block, z.literal(0)]);
export type KernelKind = z.infer<typeof KernelKind>;

/**
 * Which of a job's graphs: `train-64` trains batches of 64 rows, `train-64-k16` does on processors with blocks of 16; the short last batch
 * of a partition has a graph of its own.
 */
export const GraphName = z.string().regex(/^(train-[1-9]\d{0,6}(-k(8|16))?|evaluate|predict)$/);
export type GraphName = z.infer<typeof GraphName>;

/** One compiled graph of a job, stored beside its spec. */
export const GraphClaim = z.strictObject({
  name: GraphName,
  bytes: z.number().int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type GraphClaim = z.infer<typeof GraphClaim>;

/** The metadata of graphs that were compiled before: `graphs/<hash of what they follow from>.safetensors`, one uint8 tensor a graph. */
export const CompiledRecord = z.strictObject({
  version: z.literal(1),
  flopsPerBatch: z.number().min(0),
  /** Why there are no kernels of the processor's own that compiled them. */
  reason: z.string().max(10_000).optional(),
});
export type CompiledRecord = z.infer<typeof CompiledRecord>;
