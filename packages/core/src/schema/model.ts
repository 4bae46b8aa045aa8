import * as z from "zod";

const JsonObject = z.record(z.string(), z.json());

/** What `model.compile` was given, in the form of tfjs' `model.json`; losses and metrics by the names that `compile` takes. */
export const TrainingConfig = z.strictObject({
  optimizer_config: z.strictObject({ class_name: z.string(), config: JsonObject }),
  loss: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.string())]),
  metrics: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).optional(),
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

export const EngineName = z.enum(["tfjs-node", "tfjs-wasm", "tfjs-cpu"]);
export type EngineName = z.infer<typeof EngineName>;
