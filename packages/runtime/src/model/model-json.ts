import { StampedeError } from "@stampede/core";
import * as z from "zod";

/** One tensor in the weight files. */
export const WeightSpec = z.looseObject({
  name: z.string().min(1),
  shape: z.array(z.number().int().min(0)),
  dtype: z.string(),
  quantization: z.unknown().optional(),
  /** `optimizer` for the optimizer's state, which is not read. */
  group: z.string().optional(),
});
export type WeightSpec = z.infer<typeof WeightSpec>;

const Topology = z.record(z.string(), z.json());

/** tfjs' `model.json`; what other programs add is ignored. */
export const ModelJson = z.looseObject({
  format: z.literal("layers-model").optional(),
  modelTopology: Topology,
  trainingConfig: z.unknown().optional(),
  weightsManifest: z.array(z.object({ paths: z.array(z.string().min(1)), weights: z.array(WeightSpec) })).optional(),
  userDefinedMetadata: z.record(z.string(), z.unknown()).nullish(),
});
export type ModelJson = z.infer<typeof ModelJson>;

/** @throws StampedeError `model.invalid` when it is not a tfjs layers model */
export function parseModelJson(json: unknown): ModelJson {
  const parsed = ModelJson.safeParse(typeof json === "string" ? jsonOf(json) : json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { modelTopology } = parsed.data;
  const inner = modelTopology["model_config"] ?? modelTopology;
  const layers = Topology.safeParse(inner);
  if (!layers.success || typeof layers.data["class_name"] !== "string") throw invalid("modelTopology names no class");
  const trainingConfig = parsed.data.trainingConfig ?? modelTopology["training_config"];
  return { ...parsed.data, modelTopology: layers.data, trainingConfig };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(String(cause), cause);
  }
}

function invalid(found: string, cause?: unknown): StampedeError {
  const message = `Expected the model.json of a tfjs layers model (format "layers-model"), found ${found}. Nothing was started.`;
  return new StampedeError("model.invalid", message, { cause });
}
