import { fileURLToPath } from "node:url";
import {
  DatasetSpec,
  hashTensors,
  parseInput,
  StampedeError,
  TrainingSettings,
  type EngineName,
  type Field,
  type RoundHistory,
} from "@stampede/core";
import { assignWeights, buildModel, defineModel, prepareTfjs } from "@stampede/runtime";
import type { Graphs } from "@stampede/training";
import { readHistory, readPredictions } from "@stampede/training/jobs";
import { readTrainedModel, type ModelNotes } from "@stampede/training/saved-model";
import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type * as z from "zod";
import { evaluateData, runInference, type InferencePlan } from "./inference.js";
import { readModelFolder, writeModelFolder } from "./model-folder.js";
import { namingModel } from "./naming-model.js";
import { prepareTraining } from "./prepare.js";
import { runToEnd, teller, type Tell } from "./training-run.js";
import type { Cluster, DatasetInput } from "./types.js";

// A program builds its model before it calls anything of ours, and tfjs then needs a backend to compute the first weights.
await prepareTfjs();

type Settings = Partial<z.input<typeof TrainingSettings>>;

/** Where and how a model trains; every training setting can be given here or for one `fit`. */
export interface ServerlessOptions extends Settings {
  readonly cluster: Cluster;
  /** Names the jobs; @default the model's name */
  readonly name?: string;
  readonly engine?: EngineName;
  /** Relative paths of data start here. @default the current folder */
  readonly baseFolder?: string;
  readonly onEvent?: Tell;
}

export interface FitOptions extends Settings {
  readonly validation?: DatasetInput;
  /** The fraction of the data that is held out, between 0 and 1. */
  readonly validationSplit?: number;
  readonly onEvent?: Tell;
  readonly signal?: AbortSignal;
}

/**
 * A LayersModel that trains, evaluates and predicts on a cluster. It wraps the caller's own model: `fit` starts from the
 * weights the model has at that moment, and sets the trained weights on it.
 *
 * @example
 * const distributed = new ServerlessModel(model, { cluster: localCluster(), executors: 4 });
 * const history = await distributed.fit(dataset, { epochs: 10, batchSize: 64, validationSplit: 0.1 });
 */
export class ServerlessModel {
  readonly model: LayersModel;
  readonly #options: ServerlessOptions;
  /** What is known of the last training: how raw values become inputs, and what came out. */
  #notes: ModelNotes | undefined;
  /** Saved with a model that has parts of the user's own. */
  #graphs: Graphs = new Map();

  constructor(model: LayersModel, options: ServerlessOptions, notes?: ModelNotes) {
    this.model = model;
    this.#options = options;
    this.#notes = notes;
  }

  /** How raw values became the model's inputs and labels in the last `fit` (or load). */
  get fields(): readonly Field[] | undefined {
    return this.#notes?.fields;
  }

  /**
   * Trains and returns the history: for every round the aggregated metrics and those of each executor.
   * @throws StampedeError: input errors before anything was started; the job's own reason
   */
  async fit(dataset: DatasetInput, options: FitOptions = {}): Promise<readonly RoundHistory[]> {
    const { cluster, engine } = this.#options;
    const { validation, validationSplit, onEvent, signal, ...settings } = options;
    const tell = teller(cluster, onEvent ?? this.#options.onEvent);
    const store = await cluster.open();
    cluster.warm(engine);
    const training = parseInput(TrainingSettings, { ...settingsOf(this.#options), ...settings }, settingsPlace);
    const spec = await prepareTraining(
      {
        name: this.#options.name ?? this.model.name,
        model: { type: "built", build: () => this.model },
        data: { train: dataset, validation, validationSplit },
        training,
        engine,
        baseFolder: this.#baseFolder,
      },
      { cluster, store, tell, signal },
    );
    const result = await runToEnd(cluster, spec.job, { resumed: false, tell, signal });
    const data = dataset.format === "memory" ? undefined : DatasetSpec.parse(dataset);
    const { weights, notes, graphs } = await readTrainedModel(store, spec, result, data);
    assignWeights(this.model, weights);
    this.#graphs = graphs;
    this.#notes = notes;
    return readHistory(store, spec);
  }

  /** Loss and every compiled metric on a data set, exact whatever the number of executors. */
  async evaluate(dataset: DatasetInput): Promise<Readonly<Record<string, number>>> {
    return evaluateData(this.#inference(dataset), this.#options.cluster);
  }

  /** One tensor for each output of the model, rows in the order of the data set. The caller disposes of them. */
  async predict(dataset: DatasetInput): Promise<Tensor[]> {
    const finished = await runInference("predict", this.#inference(dataset), this.#options.cluster);
    const outputs = await readPredictions(finished.store, finished.spec);
    const { tensor } = await import("@tensorflow/tfjs-core");
    return outputs.map(({ data, shape }) => tensor(data, [...shape], "float32"));
  }

  /** Saves the model and how its data is prepared. `url` is a folder, as a path or `file://path`. */
  async save(url: string, options: { readonly overwrite?: boolean } = {}): Promise<void> {
    if (this.#notes === undefined) {
      throw new StampedeError(
        "model.invalid",
        "Expected a trained model to save; call fit() first. Nothing was written.",
      );
    }
    const { definition, weights } = defineModel(this.model, { allowCustom: true });
    // The weights as they are now: the program may have set others since they were trained.
    const notes = { ...this.#notes, weightsSha256: hashTensors(weights) };
    const saved = { definition, weights, notes, graphs: this.#graphs };
    await writeModelFolder(folderOf(url), saved, options.overwrite ?? false);
  }

  /** Loads what `save` or `stampede train` wrote. */
  static async load(url: string, options: ServerlessOptions): Promise<ServerlessModel> {
    const folder = folderOf(url);
    const { definition, weights, notes, graphs } = await readModelFolder(folder);
    const model = await namingModel(folder, async () => {
      const built = await buildModel(definition);
      assignWeights(built, weights);
      return built;
    });
    const loaded = new ServerlessModel(model, options, notes);
    loaded.#graphs = graphs;
    return loaded;
  }

  get #baseFolder(): string {
    return this.#options.baseFolder ?? process.cwd();
  }

  #inference(dataset: DatasetInput): InferencePlan {
    const { engine, executors, onEvent } = this.#options;
    return {
      name: this.#options.name ?? this.model.name,
      model: defineModel(this.model, { allowCustom: true }),
      data: dataset,
      fields: this.#notes?.fields,
      engine,
      executors,
      baseFolder: this.#baseFolder,
      tell: onEvent,
      signal: undefined,
    };
  }
}

const settingsPlace = { code: "option.invalid", what: "training settings" } as const;

function settingsOf(options: ServerlessOptions): Settings {
  const { cluster, name, engine, baseFolder, onEvent, ...settings } = options;
  return settings;
}

/** Accepts tfjs' way of naming a folder, `file://model`, beside plain paths and file URLs. */
function folderOf(url: string): string {
  if (url.startsWith("file:///")) return fileURLToPath(url);
  return url.startsWith("file://") ? url.slice("file://".length) : url;
}
