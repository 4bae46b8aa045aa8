import {
  ModelDefinition,
  parseInput,
  StampedeError,
  TrainingConfig,
  type NamedTensors,
  type Tensor,
} from "@stampede/core";
import * as z from "zod";
import { isCustomName } from "../config/custom-names.js";
import { toSnakeCase } from "../config/keras-case.js";
import { mapLosses } from "../config/map-names.js";
import { findMetric, stockMetricNames } from "../config/metrics.js";
import type { DefinedModel } from "./define-model.js";
import { parseModelJson } from "./model-json.js";
import { decodeWeightFiles, encodeWeightFiles, type ReadFile } from "./weight-files.js";

/** What stock tfjs has no place for, in `userDefinedMetadata`: with it a saved model is read without building it. */
export const Notes = z.looseObject({
  stampede: z.strictObject({
    version: z.literal(1),
    training: TrainingConfig,
    inputs: ModelDefinition.shape.inputs,
    outputs: ModelDefinition.shape.outputs,
  }),
});

const modelFile = "model.json";
/** Node writes at most 2 GiB at once, and HTTP servers and stores like less. */
const defaultFileBytes = 512 * 1024 * 1024;

/**
 * The files of a model as stock `tf.loadLayersModel` reads them: `model.json` and `weights.bin`, or several `weights-<i>of<n>.bin`
 * above `maxFileBytes` (512 MiB). Stock tfjs can then train and evaluate it too; metrics that it does not know by name are left out
 * for it, and with a loss of the user's own all of the training configuration.
 */
export function modelFiles(
  definition: ModelDefinition,
  weights: NamedTensors,
  maxFileBytes: number = defaultFileBytes,
): Record<string, Uint8Array> {
  const { manifest, files } = encodeWeightFiles(weights, maxFileBytes);
  const { topology, training, inputs, outputs } = definition;
  const json = {
    format: "layers-model",
    generatedBy: "Stampede",
    convertedBy: null,
    modelTopology: topology,
    ...(usesCustomLoss(training) ? {} : { trainingConfig: stockTraining(training) }),
    userDefinedMetadata: { stampede: { version: 1, training, inputs, outputs } },
    weightsManifest: manifest,
  };
  return { [modelFile]: new TextEncoder().encode(JSON.stringify(json)), ...files };
}

/**
 * Reads what `modelFiles` wrote.
 * @param readFile reads a file beside `model.json`, and that one
 * @throws StampedeError `model.invalid`, `model.unsupported`, and what `readFile` throws
 */
export async function readModelFiles(readFile: ReadFile): Promise<DefinedModel> {
  const json = parseModelJson(new TextDecoder().decode(await readFile(modelFile)));
  const source = { code: "model.invalid", what: modelFile } as const;
  const { stampede } = parseInput(Notes, json.userDefinedMetadata ?? {}, source);
  const { training, inputs, outputs } = stampede;
  const definition = { format: "tfjs-layers" as const, topology: json.modelTopology, training, inputs, outputs };
  if (json.weightsManifest === undefined) {
    throw new StampedeError(
      "model.invalid",
      `Expected ${modelFile} with a weightsManifest, found none. Nothing was started.`,
    );
  }
  return { definition, weights: await decodeWeightFiles(json.weightsManifest, readFile) };
}

/** Stock tfjs fails on a model.json with a loss that it does not know; without one it loads a model that is not compiled. */
function usesCustomLoss({ loss }: TrainingConfig): boolean {
  return (typeof loss === "string" ? [loss] : Object.values(loss)).some(isCustomName);
}

/** In snake case, as tfjs writes it; stock tfjs fails on metrics that it does not know by name, and on lists for one output. */
function stockTraining({ optimizer_config: optimizer, loss, metrics = [] }: TrainingConfig): unknown {
  const isStock = (name: string): boolean => stockMetricNames.includes(findMetric(name) ?? "");
  const perOutput = (): Record<string, string> =>
    Object.fromEntries(
      Object.entries(metrics).flatMap(([output, names]): [string, string][] => {
        const first = [names].flat().find(isStock);
        return first === undefined ? [] : [[output, toSnakeCase(first)]];
      }),
    );
  return {
    loss: mapLosses(loss, toSnakeCase),
    metrics: Array.isArray(metrics) ? metrics.filter(isStock).map(toSnakeCase) : perOutput(),
    optimizer_config: optimizer,
  };
}

/** The weights of a model by its own names; older Keras files have the name of the cell in between (`lstm/lstm_cell/kernel`). */
export function matchWeights(found: ReadonlyMap<string, Tensor>, expected: NamedTensors): Map<string, Tensor> {
  const short = new Map([...found].map(([name, tensor]) => [withoutCell(name), tensor]));
  const matched = new Map<string, Tensor>();
  for (const [name, { dtype, shape }] of expected) {
    const tensor = found.get(name) ?? short.get(name);
    if (tensor === undefined || tensor.dtype !== dtype || String(tensor.shape) !== String(shape)) {
      const shown = tensor === undefined ? "none" : `${tensor.dtype} [${tensor.shape.join(", ")}]`;
      const message = `Expected weight "${name}" as ${dtype} [${shape.join(", ")}], found ${shown}. Nothing was started.`;
      throw new StampedeError("model.invalid", message, { details: { weight: name } });
    }
    matched.set(name, tensor);
  }
  return matched;
}

function withoutCell(name: string): string {
  const parts = name.split("/");
  return parts.length < 3 ? name : [...parts.slice(0, -2), ...parts.slice(-1)].join("/");
}
