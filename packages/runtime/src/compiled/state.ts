import { sizeOf, type GraphSource, type ModelDefinition, type NamedTensors, type Tensor } from "@stampede/core";
import type { GraphManifest, Variable } from "@stampede/graph/format";
import type * as Ort from "onnxruntime-node";
import {
  isOptimizerKey,
  memoryOf,
  optimizerKeys,
  refuseOtherState,
  slotKey,
  type OptimizerMemory,
} from "../config/optimizer-memory.js";
import { incompatible, refuseOtherWeights } from "../model/weights.js";
import { anchorInput, stateOutput, type Feeds, type Results } from "./graph.js";
import { copiesOf, takeOver, toOrt } from "./tensors.js";

type Shapes = ReadonlyMap<string, readonly number[]>;
type Tensors = ReadonlyMap<string, Ort.Tensor>;

/** A source of graphs that knows the model, as a compiler does. */
export interface DescribingSource extends GraphSource {
  readonly layout: StateLayout;
}

export function layoutOf(graphs: GraphSource): StateLayout | undefined {
  return isDescribing(graphs) ? graphs.layout : undefined;
}

function isDescribing(graphs: GraphSource): graphs is DescribingSource {
  return "layout" in graphs;
}

/** What a model's state looks like. */
export interface StateLayout {
  readonly weights: ReadonlyMap<string, Pick<Tensor, "dtype" | "shape">>;
  /** Name and shape of the weights that are trained, in the order in which the optimizer sees them. */
  readonly trainable: Shapes;
}

/** Tensors that are replaced and never changed. */
export interface StateValues {
  readonly weights: Tensors;
  /** Empty before the first step. */
  readonly optimizer: Tensors;
  /** Weights as they were loaded. */
  readonly anchors: Tensors;
}

const nothing: StateValues = { weights: new Map(), optimizer: new Map(), anchors: new Map() };

/**
 * A session's weights and its optimizer's memory.
 *
 * What they must look like is known from the start when a compiler makes the graphs. With stored graphs it is learnt from the first of
 * them that is used: until then any weights are taken, and refused when a graph is to be fed them.
 */
export class ModelState {
  readonly #memory: OptimizerMemory;
  #layout: Partial<StateLayout>;
  #values = nothing;

  constructor({ training }: ModelDefinition, layout: Partial<StateLayout> = {}) {
    this.#memory = memoryOf(training.optimizer_config);
    this.#layout = layout;
  }

  get values(): StateValues {
    return this.#values;
  }

  /** @throws StampedeError `training.incompatible-delta`; then all is as it was */
  load(weights: NamedTensors, optimizer: NamedTensors = new Map()): void {
    if (this.#layout.weights !== undefined) refuseOtherWeights(this.#layout.weights, weights);
    if (optimizer.size > 0) {
      const trainable = this.#layout.trainable ?? trainedIn(this.#memory, optimizer, weights);
      refuseOtherState(optimizerKeys(this.#memory, trainable), optimizer);
    }
    const taken = takeOver(weights);
    this.#values = { weights: taken, optimizer: takeOver(optimizer), anchors: taken };
  }

  replace(values: StateValues): void {
    this.#values = values;
  }

  /** Copies. */
  save(): { readonly weights: NamedTensors; readonly optimizer: NamedTensors } {
    const { weights, optimizer } = this.#values;
    return { weights: copiesOf(weights), optimizer: copiesOf(optimizer) };
  }

  clear(): void {
    this.#values = nothing;
  }

  /**
   * A graph's variables.
   * @throws StampedeError `training.incompatible-delta` when what was loaded is not the state of the graph's model
   */
  feeds({ kind, variables, anchors }: GraphManifest, { weights, optimizer, anchors: loaded }: StateValues): Feeds {
    const feeds: Feeds = {};
    const isFresh = optimizer.size === 0;
    for (const variable of variables) {
      if (!isOptimizerKey(variable.name)) feeds[variable.input] = foundIn(weights, variable);
      else feeds[variable.input] = isFresh ? beginningOf(variable) : foundIn(optimizer, variable);
    }
    const memory = variables.map(({ name }) => name).filter(isOptimizerKey);
    const extra = kind === "train" ? [...optimizer.keys()].find((name) => !memory.includes(name)) : undefined;
    if (extra !== undefined) throw misfit(`the optimizer state ${memory.join(", ")}`, `also ${extra}`);
    for (const name of anchors) {
      const anchor = loaded.get(name);
      if (anchor !== undefined) feeds[anchorInput(name)] = anchor;
    }
    this.#learn(kind, weights, new Set(memory));
    return feeds;
  }

  /** What a graph has made of the values that it was fed. */
  after({ variables }: GraphManifest, before: StateValues, feeds: Feeds, results: Results): StateValues {
    const now = new Map(
      variables.flatMap(({ name, input }): [string, Ort.Tensor][] => {
        const tensor = results[stateOutput(input)] ?? feeds[input];
        return tensor === undefined ? [] : [[name, tensor]];
      }),
    );
    const weights = new Map([...before.weights].map(([name, tensor]) => [name, now.get(name) ?? tensor]));
    const keys = [...optimizerKeys(this.#memory, this.#layout.trainable ?? new Map()).keys()];
    const optimizer = keys.flatMap((name): [string, Ort.Tensor][] => {
      const tensor = now.get(name);
      return tensor === undefined ? [] : [[name, tensor]];
    });
    return { weights, optimizer: new Map(optimizer), anchors: before.anchors };
  }

  /** The weights fitted a graph: from now on others are refused when they are loaded. */
  #learn(kind: GraphManifest["kind"], weights: Tensors, memory: ReadonlySet<string>): void {
    const known = this.#layout;
    const shapes = known.weights ?? new Map([...weights].map(([name, tensor]) => [name, typeOf(tensor)]));
    const [slot] = this.#memory.slots;
    const trained = [...shapes].filter(([name]) => slot !== undefined && memory.has(slotKey(slot, name)));
    const trainable = new Map(trained.map(([name, { shape }]) => [name, shape]));
    this.#layout = { weights: shapes, ...(kind === "train" && { trainable }), ...known };
  }
}

/** What is trained, as far as an optimizer's state says so itself. */
function trainedIn({ slots: [slot] }: OptimizerMemory, state: NamedTensors, weights: NamedTensors): Shapes {
  const trained = [...weights].filter(([name]) => slot !== undefined && state.has(slotKey(slot, name)));
  return new Map(trained.map(([name, { shape }]) => [name, shape]));
}

function typeOf({ type, dims }: Ort.Tensor): Pick<Tensor, "dtype" | "shape"> {
  return { dtype: type === "int32" ? "int32" : "float32", shape: dims };
}

function foundIn(tensors: Tensors, { name, dtype, shape }: Variable): Ort.Tensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined && tensor.type === dtype && String(tensor.dims) === String(shape)) return tensor;
  const shown = tensor === undefined ? "none" : `${tensor.type} [${tensor.dims.join(", ")}]`;
  throw misfit(`"${name}" as ${dtype} [${shape.join(", ")}]`, shown);
}

/** What a variable of the optimizer holds before the first step. */
function beginningOf({ dtype, shape, initial = 0 }: Variable): Ort.Tensor {
  const values = dtype === "int32" ? new Int32Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
  return toOrt(values.fill(initial), shape);
}

/** As when it is loaded, only later. */
function misfit(expected: string, found: string): Error {
  return incompatible(`a state that the graph was compiled for, with ${expected}`, found);
}
