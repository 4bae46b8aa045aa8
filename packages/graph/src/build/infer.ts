import type { Field } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Graph, Value } from "../ir/types.js";
import { removeDeadCode, valuesUsedBy } from "../passes/dead-code.js";
import { optimise } from "../passes/index.js";
import { withRecurrentLayers } from "../recurrent/hook.js";
import { withLayerNames } from "../trace/layer-names.js";
import { withLayerNormalization } from "../trace/layer-normalization.js";
import { tensorFor, trace, type Trace } from "../trace/trace.js";
import { untraceable } from "../trace/untraceable.js";
import { decode, storedInput, storedInputName } from "./feed.js";
import { flopsOf } from "./flops.js";
import { encodeDescribed, madeWith, type CompiledGraph, type Description } from "./metadata.js";
import { openBatch } from "../passes/open-batch.js";
import { describeVariable } from "./variables.js";

export interface PredictionSource {
  /** The functional model. */
  readonly model: LayersModel;
  /** Names of the model's variables. */
  readonly names: () => ReadonlyMap<Tf.Variable, string>;
  /** Names of the model's outputs. */
  readonly outputs: readonly string[];
}

export interface EvaluationSource extends PredictionSource {
  /** What is to be known of one batch: one value a sample (or several) of each loss and metric, or the predictions themselves. */
  readonly judge: (labels: readonly Tf.Tensor[], predictions: readonly Tf.Tensor[]) => readonly Tf.Tensor[];
  /** Names of what `judge` returns. */
  readonly outputs: readonly string[];
}

/**
 * The graph is recorded for both, see `openBatch`. Seldom a model's own dimension; one is odd and one even, and 17 lies between them, so
 * that hardly anything but a + k * rows fits both (half the batch rounded down, for one, does not).
 */
const batchSizes = [29, 46] as const;

/**
 * The model's forward pass for any number of rows.
 *
 * Inputs: `data/<i>` [N, ...] stored rows of feature i; the manifest's variables. Outputs: `output/<i>` [N, ...].
 * @throws StampedeError `model.not-traceable`
 */
export function compilePrediction(
  source: PredictionSource,
  { fields }: { readonly fields: readonly Field[] },
): CompiledGraph {
  return compileInference("predict", source, fields, (tensors) => predict(source.model, tensors));
}

/**
 * Losses and metrics of any number of rows.
 *
 * Inputs: `data/<i>` [N, ...] stored rows of field i, features first; the manifest's variables. Outputs: `output/<i>`, what `judge` returned.
 * @throws StampedeError `model.not-traceable`
 */
export function compileEvaluation(
  source: EvaluationSource,
  { fields }: { readonly fields: readonly Field[] },
): CompiledGraph {
  return compileInference("evaluate", source, fields, (tensors) => {
    const inputs = source.model.inputs.length;
    return source.judge(tensors.slice(inputs), predict(source.model, tensors.slice(0, inputs)));
  });
}

function predict(model: LayersModel, inputs: readonly Tf.Tensor[]): readonly Tf.Tensor[] {
  const [only] = inputs;
  const results: unknown = model.apply(inputs.length === 1 && only !== undefined ? only : [...inputs], {
    training: false,
  });
  return [results].flat().filter(isTensor);
}

function isTensor(value: unknown): value is Tf.Tensor {
  return typeof value === "object" && value !== null && "dataId" in value;
}

type Run = (tensors: readonly Tf.Tensor[]) => readonly Tf.Tensor[];

function compileInference(
  kind: "evaluate" | "predict",
  source: PredictionSource,
  fields: readonly Field[],
  run: Run,
): CompiledGraph {
  const [first, second] = batchSizes.map((rows) => record(source, fields, run, rows, kind === "predict"));
  if (first === undefined || second === undefined) throw new Error("two sizes");
  const [rows] = first.stored;
  if (rows === undefined) throw new Error("a model without inputs");
  const sizes = { graph: first.graph, size: batchSizes[0], other: second.graph, otherSize: batchSizes[1] };
  const opened = removeDeadCode(openBatch(sizes, rows, first.traced.g.numbers));
  const names = source.names();
  const used = new Set(opened.nodes.flatMap(valuesUsedBy).concat(opened.outputs.map(({ value }) => value)));
  const variables = first.traced.variables.filter(({ before }) => used.has(before));
  const described = variables.map((each, index) => describeVariable(each, { names, index, isWritten: false }));
  const stored = first.stored.map((value, index) => ({ name: storedInputName(index), value }));
  const inputs = [
    ...variables.map(({ before }, index) => ({ name: described[index]?.input ?? "", value: before })),
    ...stored.filter(({ value }) => used.has(value)),
  ];
  const description: Description = {
    version: 1,
    kind,
    fields: [...fields],
    variables: described,
    anchors: [],
    pools: [],
    poolLength: 0,
    draws: [],
    outputs: [...source.outputs],
    flops: flopsOf(first.graph) / batchSizes[0],
    madeWith,
  };
  const open = new Map([...stored, ...opened.outputs].map(({ name, value }) => [name, openRows(value)]));
  return encodeDescribed({ ...opened, inputs }, description, { openDimensions: open, hasOpenBodies: true });
}

/** Outputs that `judge` flattened, such as [N * T], are open all the same; ONNX needs no other name for that. */
function openRows({ shape }: Value): readonly (string | undefined)[] {
  return shape.map((extent, axis) => {
    if (axis !== 0) return undefined;
    return extent === batchSizes[0] ? "N" : "M";
  });
}

interface Recorded {
  readonly traced: Trace;
  readonly graph: Graph;
  readonly stored: readonly Value[];
}

function record(
  source: PredictionSource,
  fields: readonly Field[],
  run: Run,
  rows: number,
  isConstant: boolean,
): Recorded {
  const stored: Value[] = [];
  const traced = trace(
    (recording) => {
      const { g } = recording;
      const fed = fields.map((field, index) => {
        const value = storedInput(g, index, field, rows);
        stored.push(value);
        return tensorFor(decode(g, field, value));
      });
      return withRecurrentLayers(recording, () =>
        withLayerNormalization(source.model, () => withLayerNames(source.model, recording.layers, () => run(fed))),
      );
    },
    { isInference: isConstant },
  );
  if (traced.recording.random.draws.length > 0) {
    throw untraceable("random", "random numbers outside of training");
  }
  if (traced.variables.some(({ before, after }) => before !== after)) {
    throw untraceable("failed", "layers that change their weights outside of training");
  }
  const results = traced.results.map((value, index) => ({ name: `output/${index}`, value }));
  return { traced, stored, graph: optimise(removeDeadCode(traced.g.finish(results)), traced.g.numbers) };
}
