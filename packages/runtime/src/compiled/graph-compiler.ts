import { graphNameOf, type GraphRequest, type ModelDefinition } from "@stampede/core";
import {
  compileEvaluation,
  compilePrediction,
  compileTraining,
  learningRateMark,
  type CompiledGraph,
} from "@stampede/graph";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { CustomFunction, CustomFunctions } from "../config/custom.js";
import { lossLabels, metricsOf } from "../config/metrics.js";
import { loadQuietCpu, prepareTfjs } from "../engine/backend.js";
import { compileModel } from "../engine/compile-model.js";
import { judgesOf } from "../engine/judges.js";
import { disposeOptimizer, optimizerVariables } from "../engine/optimizer.js";
import { trainFunctionOf } from "../engine/train-step.js";
import { assemble } from "../model/build-model.js";
import { refuseUntrainable } from "../model/define-model.js";
import { functionalOf } from "../model/layers-model.js";
import { namedVariables, refuseNothingToTrain, trainableShapes } from "../model/weights.js";
import { fieldsKey } from "./fields-key.js";
import { judgedNames } from "./inference.js";
import type { DescribingSource, StateLayout } from "./state.js";

/**
 * Makes graphs of a model when they are asked for, with the tfjs of this thread: whatever backend it uses stays in use. Each is made
 * once.
 */
export class GraphCompiler implements DescribingSource {
  readonly layout: StateLayout;
  readonly #definition: ModelDefinition;
  readonly #custom: CustomFunctions | undefined;
  readonly #model: LayersModel;
  readonly #made = new Map<string, CompiledGraph>();
  #isCompiled = false;

  private constructor(model: LayersModel, definition: ModelDefinition, custom: CustomFunctions | undefined) {
    this.#model = model;
    this.#definition = definition;
    this.#custom = custom;
    const weights = [...namedVariables(model)].map(([name, { dtype, shape }]): [string, WeightType] => [
      name,
      { dtype: dtype === "int32" ? "int32" : "float32", shape: shape.map(Number) },
    ]);
    this.layout = { weights: new Map(weights), trainable: trainableShapes(model) };
  }

  /**
   * @param custom the user's own losses and metrics. Layers of the user's own must be known to tfjs.serialization in this process.
   * @throws StampedeError `model.unsupported`
   */
  static async create(definition: ModelDefinition, custom?: CustomFunctions): Promise<GraphCompiler> {
    await prepareTfjs();
    // What a trace finds constant is computed by it.
    loadQuietCpu();
    const model = await assemble(definition.topology);
    try {
      refuseUntrainable(model);
      return new GraphCompiler(model, definition, custom);
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  /** @throws StampedeError `model.not-traceable`, `model.unsupported` */
  async load(request: GraphRequest): Promise<Uint8Array> {
    return this.compile(request).bytes;
  }

  /** The same with the manifest. */
  compile(request: GraphRequest): CompiledGraph {
    const key = keyOf(request);
    const graph = this.#made.get(key) ?? this.#make(request);
    this.#made.set(key, graph);
    return graph;
  }

  dispose(): void {
    if (this.#isCompiled) disposeOptimizer(functionalOf(this.#model).optimizer);
    this.#model.dispose();
    this.#made.clear();
  }

  #make(request: GraphRequest): CompiledGraph {
    const { fields } = request;
    switch (request.kind) {
      case "train": {
        const graph = this.#training(request);
        // One without blocks is the same for all processors.
        if (graph.manifest.block === undefined) this.#made.set(keyOf({ ...request, block: undefined }), graph);
        return graph;
      }
      case "evaluate":
        return this.#evaluation(fields);
      case "predict": {
        const outputs = this.#definition.outputs.map(({ name }) => name);
        return compilePrediction(
          { model: functionalOf(this.#model), names: () => this.#weightNames(), outputs },
          { fields },
        );
      }
    }
  }

  #training({ batchSize, fields, block }: Extract<GraphRequest, { kind: "train" }>): CompiledGraph {
    refuseNothingToTrain(this.layout.trainable);
    const model = this.#compiled();
    const { training, outputs } = this.#definition;
    const names = outputs.map(({ name }) => name);
    const train = trainFunctionOf(model);
    let results: readonly Tf.Tensor[] = [];
    const source = {
      model,
      step: (data: Tf.Tensor[]) => (results = train(data)),
      names: () => this.#stateNames(model.optimizer),
      outputs: [...lossLabels(names), ...metricsOf(training, names).map(({ label }) => label)],
    };
    const { gradients } = training;
    try {
      return compileTraining(source, { batchSize, fields, block, ...(gradients && { gradients }) });
    } finally {
      // The train function keeps its metrics from being tidied.
      for (const result of results) result.dispose();
    }
  }

  #evaluation(fields: GraphRequest["fields"]): CompiledGraph {
    const model = this.#compiled();
    const parts = judgedParts(model, this.#definition);
    const judge = (labels: readonly Tf.Tensor[], predictions: readonly Tf.Tensor[]): Tf.Tensor[] =>
      parts.flatMap(({ output, compute }) => {
        const [expected, found] = [labels[output], predictions[output]];
        return expected === undefined || found === undefined ? [] : [compute(expected, found)];
      });
    const outputs = parts.map(({ name }) => name);
    return compileEvaluation({ model, judge, names: () => this.#weightNames(), outputs }, { fields });
  }

  /** Only for what needs it: predicting asks for no losses, which may be functions that are not there. */
  #compiled(): LayersModel {
    if (!this.#isCompiled) compileModel(this.#model, withMarkedRate(this.#definition), "engine", this.#custom);
    this.#isCompiled = true;
    return functionalOf(this.#model);
  }

  #weightNames(): Map<Tf.Variable, string> {
    const names = new Map<Tf.Variable, string>();
    for (const [name, weight] of namedVariables(this.#model)) {
      const variable = weight.read();
      if (isVariable(variable)) names.set(variable, name);
    }
    return names;
  }

  #stateNames(optimizer: Tf.Optimizer): Map<Tf.Variable, string> {
    const config = this.#definition.training.optimizer_config;
    const names = this.#weightNames();
    for (const [name, variable] of optimizerVariables(config, optimizer, [...this.layout.trainable.keys()])) {
      names.set(variable, name);
    }
    return names;
  }
}

function keyOf(request: GraphRequest): string {
  return `${graphNameOf(request)} ${fieldsKey(request.fields)}`;
}

type WeightType = StateLayout["weights"] extends ReadonlyMap<string, infer T> ? T : never;

interface JudgedPart {
  readonly name: string;
  readonly output: number;
  readonly compute: CustomFunction;
}

/** What an evaluation graph computes: losses, metrics that are means of samples, and predictions for metrics that are counted. */
function judgedParts(model: LayersModel, definition: ModelDefinition): readonly JudgedPart[] {
  const { losses, metrics } = judgesOf(model, definition);
  const specs = metricsOf(
    definition.training,
    definition.outputs.map(({ name }) => name),
  );
  const counted = new Set(specs.filter(({ kind }) => kind !== "mean").map(({ output }) => output));
  return [
    ...losses.map((compute, output) => ({ name: judgedNames.loss(output), output, compute })),
    ...metrics
      .map((metric, index) => ({ name: judgedNames.metric(index), ...metric }))
      .filter((_, index) => specs[index]?.kind === "mean"),
    ...[...counted].map((output) => ({
      name: judgedNames.predictions(output),
      output,
      compute: (_labels: Tf.Tensor, predictions: Tf.Tensor) => predictions,
    })),
  ];
}

function isVariable(tensor: Tf.Tensor): tensor is Tf.Variable {
  return "assign" in tensor;
}

/** The learning rate becomes an input of the graph where this number turns up. */
function withMarkedRate(definition: ModelDefinition): ModelDefinition {
  const { training } = definition;
  const { class_name: name, config } = training.optimizer_config;
  const marked = { class_name: name, config: { ...config, learningRate: learningRateMark } };
  return { ...definition, training: { ...training, optimizer_config: marked } };
}
