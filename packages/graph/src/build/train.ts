import type { Block, Field, GradientSettings } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { blockedDomain } from "../format/block-probe.js";
import { GraphBuilder } from "../ir/builder.js";
import type { OpenDimensions } from "../ir/encode.js";
import type { Graph, Port, Value } from "../ir/types.js";
import { removeDeadCode, valuesUsedBy } from "../passes/dead-code.js";
import { hoist } from "../passes/hoist.js";
import { fuse, optimise } from "../passes/index.js";
import { joinUpdates } from "../passes/join-updates.js";
import { withRecurrentLayers } from "../recurrent/hook.js";
import { hookMethod } from "../trace/hook.js";
import { withLayerNames } from "../trace/layer-names.js";
import { withLayerNormalization } from "../trace/layer-normalization.js";
import { requireLearningRate, type Recording } from "../trace/recording.js";
import { tensorFor, trace, type Trace, type TracedVariable } from "../trace/trace.js";
import { changeGradients, type AnchorOf } from "./gradients.js";
import { decode, pickRows, storedInput, storedInputName } from "./feed.js";
import { flopsOf } from "./flops.js";
import { withoutDenormals } from "./flush.js";
import { encodeDescribed, madeWith, type CompiledGraph, type Description } from "./metadata.js";
import { poolLengthFor } from "./pools.js";
import { describeVariable, isOptimizerState } from "./variables.js";

export interface TrainingSource {
  /** The functional model, compiled with an optimizer whose learning rate is `learningRateMark`. */
  readonly model: LayersModel;
  /** tfjs' own train function of it: inputs and labels in, loss and metrics out, all scalars. */
  readonly step: (data: Tf.Tensor[]) => readonly Tf.Tensor[];
  /** Names of all variables that the step reads or writes; asked for after the step, which makes the optimizer's. */
  readonly names: () => ReadonlyMap<Tf.Variable, string>;
  /** Names of what `step` returns. */
  readonly outputs: readonly string[];
}

export interface TrainingOptions {
  readonly batchSize: number;
  /** Features in the order of the model's inputs, then labels in the order of its outputs. */
  readonly fields: readonly Field[];
  readonly gradients?: GradientSettings;
  /** Of the processor that the graph is for, see `Block`; left out for a graph that every processor runs. */
  readonly block?: Block | undefined;
}

/**
 * The training of any number of batches as one graph: a Scan over batches, with all weights and the optimizer's memory as its state.
 *
 * Inputs: `data/<i>` [N, ...] stored rows of field i; `order` int32 [T, batchSize] rows of each batch; `lr` float32 []; the manifest's
 * variables; `offset/<k>` int32 [T, 1] and pools for random draws. Outputs: `out:` + input for every variable that is written;
 * `metric/<i>` float32 [T].
 *
 * @throws StampedeError `model.not-traceable`
 */
export function compileTraining(source: TrainingSource, options: TrainingOptions): CompiledGraph {
  const recorded = recordStep(source, options);
  const { graph, open } = epochOf(recorded, options);
  return encodeDescribed(graph, recorded.description, { openDimensions: open });
}

interface RecordedStep {
  readonly traced: Trace;
  readonly body: Graph;
  /** Variables that the step writes, and those it only reads. */
  readonly state: readonly TracedVariable[];
  readonly constant: readonly TracedVariable[];
  readonly order: Value;
  readonly stored: readonly Value[];
  /** By the name of the weight. */
  readonly anchors: readonly Port[];
  readonly description: Description;
}

function recordStep(source: TrainingSource, { batchSize, fields, gradients, block }: TrainingOptions): RecordedStep {
  const inputs: { order?: Value; stored: Value[] } = { stored: [] };
  const anchors = new Map<Tf.Variable, Value>();
  const traced = trace(
    (recording) => {
      const { g } = recording;
      const order = g.input("order", "int32", [batchSize]);
      inputs.order = order;
      const fed = fields.map((field, index) => {
        const stored = storedInput(g, index, field, batchSize);
        inputs.stored.push(stored);
        return tensorFor(decode(g, field, pickRows(g, stored, order)));
      });
      const anchorOf = (variable: Tf.Variable): Tf.Tensor => {
        const anchor = g.input(`anchor of ${variable.name}`, "float32", [...variable.shape]);
        anchors.set(variable, anchor);
        return tensorFor(anchor);
      };
      const step = (): readonly Tf.Tensor[] =>
        withRecurrentLayers(recording, () =>
          withLayerNormalization(source.model, () =>
            withLayerNames(source.model, recording.layers, () =>
              withOptimizerMark(source.model, recording, () => source.step(fed)),
            ),
          ),
        );
      return gradients === undefined ? step() : withChangedGradients(source.model, gradients, anchorOf, step);
    },
    { block },
  );
  requireLearningRate(traced.recording);
  const { order, stored } = inputs;
  if (order === undefined) throw new Error("the step was not traced");
  const state = traced.variables.filter(({ before, after }) => before !== after);
  const names = source.names();
  const named = [...anchors].map(([variable, value]) => ({ name: names.get(variable) ?? variable.name, value }));
  const finalValue = ({ variable, after }: TracedVariable): Value =>
    isOptimizerState(names.get(variable)) ? withoutDenormals(traced.g, after) : after;
  const results = [...state.map(finalValue), ...traced.results].map((value, index) => ({ name: `b${index}`, value }));
  const pools = new Set(traced.recording.random.pools.values());
  const optimised = optimise(removeDeadCode(traced.g.finish(results)), traced.g.numbers, pools);
  const body = fuse(joinUpdates(optimised, traced.g.numbers), traced.g.numbers);
  const used = new Set(body.nodes.flatMap(valuesUsedBy));
  const constant = traced.variables.filter(({ before, after }) => before === after && used.has(before));
  const { draws } = traced.recording.random;
  const description: Description = {
    version: 1,
    kind: "train",
    batchSize,
    ...(block !== undefined && usesBlocks(body) && { block }),
    fields: [...fields],
    variables: [...state, ...constant].map((each, index) =>
      describeVariable(each, { names, index, isWritten: index < state.length }),
    ),
    anchors: named.map(({ name }) => name),
    pools: [...traced.recording.random.pools.keys()],
    poolLength: poolLengthFor(draws),
    draws: draws.map(({ size }) => size),
    outputs: [...source.outputs],
    flops: flopsOf(body),
    madeWith,
  };
  return { traced, body, state, constant, order, stored, anchors: named, description };
}

function usesBlocks({ nodes }: Graph): boolean {
  return nodes.some(({ domain, body }) => domain === blockedDomain || (body !== undefined && usesBlocks(body)));
}

function withChangedGradients<T>(
  { optimizer }: LayersModel,
  settings: GradientSettings,
  anchorOf: AnchorOf,
  work: () => T,
): T {
  const restore = changeGradients(optimizer, settings, anchorOf);
  try {
    return work();
  } finally {
    restore();
  }
}

/** Numbers equal to the mark count as the learning rate only while the optimizer works. */
function withOptimizerMark<T>({ optimizer }: LayersModel, recording: Recording, work: () => T): T {
  const apply = optimizer.applyGradients.bind(optimizer);
  const restore = hookMethod(optimizer, "applyGradients", (gradients) => {
    recording.isInOptimizer = true;
    try {
      return apply(gradients);
    } finally {
      recording.isInOptimizer = false;
    }
  });
  try {
    return work();
  } finally {
    restore();
  }
}

function epochOf(
  { traced, body, state, constant, order, stored, anchors, description }: RecordedStep,
  { batchSize }: TrainingOptions,
): { readonly graph: Graph; readonly open: OpenDimensions } {
  const g = new GraphBuilder(traced.g.numbers);
  const { draws, pools } = traced.recording.random;
  const inputOf = (index: number): string => description.variables[index]?.input ?? "";
  const states = state.map(({ before: { dtype, shape } }, index) => g.input(inputOf(index), dtype, shape));
  const steps = 1;
  const orders = g.input("order", "int32", [steps, batchSize]);
  const offsets = draws.map((_, index) => g.input(`offset/${index}`, "int32", [steps, 1]));
  const captured = [
    ...constant.map(({ before }, index) => ({ value: before, name: inputOf(state.length + index) })),
    ...stored.map((value, index) => ({ value, name: storedInputName(index) })),
    ...[...pools].map(([distribution, value]) => ({ value, name: `pool/${distribution}` })),
    ...anchors.map(({ name, value }) => ({ value, name: `anchor/${name}` })),
  ];
  for (const { value, name } of captured) g.adoptInput(name, value);
  const rate = traced.recording.learningRate;
  if (rate !== undefined) g.adoptInput("lr", rate);
  const bodyInputs = [...state.map(({ before }) => before), order, ...draws.map(({ offset }) => offset)];
  const outer = [...states, orders, ...offsets];
  const { body: steady, before } = hoist(body, new Set(bodyInputs));
  g.adoptNodes(before);
  const types = [
    ...state.map(({ before: { dtype, shape } }) => ({ dtype, shape })),
    ...traced.results.map(({ dtype }) => ({ dtype, shape: [steps] })),
  ];
  const results = g.emit("Scan", outer, types, {
    attributes: { num_scan_inputs: 1 + offsets.length },
    body: { ...steady, inputs: bodyInputs.map((value) => ({ name: "", value })) },
  });
  const names = [
    ...state.map((_, index) => `out:${inputOf(index)}`),
    ...traced.results.map((_, index) => `metric/${index}`),
  ];
  const graph = g.finish(results.map((value, index) => ({ name: names[index] ?? "", value })));
  const open = new Map<string, readonly (string | undefined)[]>([
    ...stored.map((_, index): [string, readonly string[]] => [storedInputName(index), ["N"]]),
    ["order", ["T"]],
    ...offsets.map((_, index): [string, readonly string[]] => [`offset/${index}`, ["T"]]),
    ...[...pools.keys()].map((pool): [string, readonly string[]] => [`pool/${pool}`, ["P"]]),
    ...traced.results.map((_, index): [string, readonly string[]] => [`metric/${index}`, ["T"]]),
  ]);
  return { graph, open };
}
