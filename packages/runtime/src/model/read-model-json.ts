import { readFile as readFileAt } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StampedeError, type CompileSettings, type ModelDefinition, type NamedTensors } from "@stampede/core";
import { trainingConfigOf } from "../config/compile-settings.js";
import { lossesOf } from "../config/losses.js";
import { metricsOf } from "../config/metrics.js";
import { readTrainingConfig } from "../config/training-config.js";
import { prepareTfjs } from "../engine/backend.js";
import { assemble } from "./build-model.js";
import { portsOf, refuseUntrainable, type DefinedModel } from "./define-model.js";
import { matchWeights, Notes } from "./model-files.js";
import { parseModelJson, type ModelJson } from "./model-json.js";
import { refuseCustomClasses } from "./topology.js";
import { readWeights } from "./weights.js";
import { decodeWeightFiles, type ReadFile } from "./weight-files.js";

export interface ReadModelOptions {
  /** Replaces the model's own training configuration. */
  readonly compile?: CompileSettings | undefined;
  /** A uint32 that the initial weights follow from, where the model comes without weight files. @default 0 */
  readonly seedKey?: number;
}

/**
 * Reads the model.json of a tfjs layers model (as tfjs, Stampede or Keras' converter wrote it) and the weight files beside it. A
 * model.json without a weightsManifest is a model to be trained from scratch.
 *
 * @throws StampedeError `model.not-readable`, `model.invalid`, `model.unsupported`; `model.not-compiled` when neither the file nor
 *   `compile` says how to train; `job-file.invalid` for `compile`
 */
export async function readModelJson(path: string, options: ReadModelOptions = {}): Promise<DefinedModel> {
  const json = new TextDecoder().decode(await readModelFile(path));
  return modelFromJson(json, { ...options, readFile: (name) => readModelFile(join(dirname(path), name)) });
}

/**
 * The same for a model.json that is not a file.
 * @param json the text or the parsed object
 * @param options.readFile reads a weight file by its path relative to the model.json; without it the weights are drawn
 */
export async function modelFromJson(
  json: unknown,
  options: ReadModelOptions & { readonly readFile?: ReadFile } = {},
): Promise<DefinedModel> {
  const { readFile, compile, seedKey = 0 } = options;
  const parsed = parseModelJson(json);
  const training = compile === undefined ? trainingIn(parsed) : trainingConfigOf(compile);
  if (training === undefined) {
    const message =
      "Expected a model.json with a trainingConfig, found none. Give `compile` (optimizer, loss, metrics) in the job file. " +
      "Nothing was started.";
    throw new StampedeError("model.not-compiled", message);
  }
  refuseCustomClasses(parsed.modelTopology);
  const { ports, initial } = await build(parsed.modelTopology, seedKey);
  const definition = { format: "tfjs-layers" as const, topology: parsed.modelTopology, training, ...ports };
  const outputs = ports.outputs.map(({ name }) => name);
  lossesOf(training, outputs);
  metricsOf(training, outputs);
  if (readFile === undefined || parsed.weightsManifest === undefined || parsed.weightsManifest.length === 0) {
    return { definition, weights: initial };
  }
  return { definition, weights: matchWeights(await decodeWeightFiles(parsed.weightsManifest, readFile), initial) };
}

/** @throws StampedeError `model.not-readable` */
export async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFileAt(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Expected a file of the model at ${path}, but it cannot be read: ${reason}. Nothing was started.`;
    throw new StampedeError("model.not-readable", message, { details: { path }, cause });
  }
}

function trainingIn({ trainingConfig, userDefinedMetadata }: ModelJson): ModelDefinition["training"] | undefined {
  const notes = Notes.safeParse(userDefinedMetadata);
  return notes.success ? notes.data.stampede.training : readTrainingConfig(trainingConfig);
}

interface Built {
  readonly ports: Pick<ModelDefinition, "inputs" | "outputs">;
  readonly initial: NamedTensors;
}

/** Only a built model knows the shapes of its outputs and the names of its weights. */
async function build(topology: ModelDefinition["topology"], seedKey: number): Promise<Built> {
  await prepareTfjs();
  const model = await assemble(topology, seedKey);
  try {
    model.build(model.inputs.map(({ shape }) => shape));
    refuseUntrainable(model);
    return { ports: portsOf(model), initial: readWeights(model) };
  } finally {
    model.dispose();
  }
}
