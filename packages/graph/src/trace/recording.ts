import { sizeOf, type Block } from "@stampede/core";
import type { DataId } from "@tensorflow/tfjs-core";
import type { Blocks } from "../blocked/operators.js";
import { GraphBuilder } from "../ir/builder.js";
import { unary } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import type { ConstantData, GraphDType, Shape, Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { graphDType } from "./backend.js";
import { Handle } from "./handle.js";
import { RandomDraws } from "./random-draws.js";
import { untraceable } from "./untraceable.js";

/**
 * The learning rate that optimizers are built with for a trace. Where it turns up in the optimizer's arithmetic the graph's input `lr`
 * takes its place. No power of two or short decimal, so that no hyperparameter is likely to equal it.
 */
export const learningRateMark = Math.fround(7.382_915_6e-3);

export interface RecordingOptions {
  /** There will be no gradients, and weights are going to be constants. */
  readonly isInference?: boolean;
  /** Channels that the processor's blocked kernels keep side by side; left out for operators that all processors have. */
  readonly block?: Block | undefined;
}

/** What one trace has recorded so far. */
export class Recording {
  /** Where kernels put their nodes; see `inside`. */
  g = new GraphBuilder();
  readonly isInference: boolean;
  readonly random: RandomDraws;
  /** The layers whose code runs, the innermost last. */
  readonly layers: string[] = [];
  /** Only here a number equal to `learningRateMark` is the learning rate. */
  isInOptimizer = false;
  learningRate: Value | undefined;
  /** Whether an operator in blocks has been recorded. */
  usesBlocks = false;
  readonly #blocks: Blocks | undefined;
  readonly #foreign = new Map<DataId, Value>();

  constructor({ isInference = false, block }: RecordingOptions = {}) {
    this.isInference = isInference;
    this.#blocks = block === undefined ? undefined : { g: this.g, k: block };
    this.random = new RandomDraws(this.g);
  }

  /**
   * Of the processor that the graph is for; undefined for operators that all processors have, and in a graph inside of another: what is
   * computed there step by step is small.
   */
  get blocks(): Blocks | undefined {
    return this.#blocks?.g === this.g ? this.#blocks : undefined;
  }

  /** What `work` does is recorded in a graph inside of this one. Random numbers are drawn outside of it all the same. */
  inside<T>(inner: GraphBuilder, work: () => T): T {
    const outer = this.g;
    this.g = inner;
    try {
      return work();
    } finally {
      this.g = outer;
    }
  }

  /** The value behind a tensor, which may belong to another backend: its data is then a constant of the graph. */
  valueOf(dataId: DataId): Value {
    if (dataId instanceof Handle) return dataId.value;
    const known = this.#foreign.get(dataId);
    if (known !== undefined) return known;
    const info = loadCore().engine().state.tensorInfo.get(dataId);
    if (info === undefined) throw new Error("a tensor that tfjs does not know");
    const { shape } = info;
    const data = Array.from(loadCore().engine().readSync(dataId), Number);
    const dtype = graphDType(info.dtype);
    const value = this.#constant(dtype === "float32" ? Float32Array.from(data) : Int32Array.from(data), shape, dtype);
    this.#foreign.set(dataId, value);
    return value;
  }

  /** The value for data that tfjs writes. */
  written(data: ConstantData, shape: Shape, dtype: GraphDType): Value {
    const scope: unknown = Reflect.get(loadCore().engine().state.activeScope ?? {}, "name");
    const drawn = this.random.recognise(typeof scope === "string" ? scope : undefined, data, shape, dtype);
    return drawn ?? this.#constant(data, shape, dtype);
  }

  /** For error messages and the names of nodes. */
  place(kernelName: string, inputs: readonly Value[]): string {
    const layer = this.layers.at(-1);
    if (layer !== undefined) return `${layer}/${kernelName}`;
    for (const { source } of inputs) {
      const origin = source.kind === "node" ? source.node.origin : "";
      const [forward] = origin.split("/");
      if (forward !== undefined && forward !== "" && origin.includes("/")) {
        return forward.endsWith("'") ? `${forward}/${kernelName}` : `${forward}'/${kernelName}`;
      }
    }
    return kernelName;
  }

  #constant(data: ConstantData, shape: Shape, dtype: GraphDType): Value {
    const [first = 0] = data;
    const isRate = this.isInOptimizer && sizeOf(shape) === 1 && Math.abs(first) === learningRateMark;
    if (isRate) return this.#rate(first, shape);
    const typed = dtype === "bool" ? Uint8Array.from(data) : data;
    return this.g.constant(typed, dtype, shape);
  }

  #rate(sign: number, shape: Shape): Value {
    this.learningRate ??= this.g.input("lr", "float32", []);
    const { learningRate: rate, g } = this;
    return reshape(g, sign < 0 ? unary(g, "Neg", rate) : rate, shape);
  }
}

/** @throws StampedeError when an optimizer made its steps without ever using the learning rate as such */
export function requireLearningRate({ learningRate }: Recording): Value {
  if (learningRate !== undefined) return learningRate;
  throw untraceable(
    "learning-rate",
    "an optimizer that computes with its learning rate first, which would be baked in",
  );
}
