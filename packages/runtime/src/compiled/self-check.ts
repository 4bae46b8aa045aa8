import {
  deriveKey,
  isStampedeError,
  type Block,
  type Compute,
  type GraphRequest,
  type GraphSource,
  type ModelDefinition,
  type TrainRequest,
} from "@stampede/core";
import type { GraphManifest } from "@stampede/graph/format";
import type * as Ort from "onnxruntime-node";
import { memoryOf, slotKey } from "../config/optimizer-memory.js";
import { readOptimizer } from "../config/optimizers.js";
import { whyStepsDiffer, type GraphStep } from "./compare-kernels.js";
import type { GraphData } from "./data.js";
import { LoadedGraph, type Feeds } from "./graph.js";
import type { StateValues } from "./state.js";
import { floatsOf, toOrt } from "./tensors.js";
import { stepFeeds } from "./training.js";

/** Rows of the batch that is tried. For nets that take long to trace the planner's own check has just made the graphs for as many. */
export const selfCheckRows = 2;

export interface SelfCheck {
  readonly graphs: GraphSource;
  readonly definition: ModelDefinition;
  readonly compute: Compute;
  /** Of this processor. */
  readonly block: Block;
  /** Of the batch: the source has graphs for it. */
  readonly rows: number;
  readonly data: GraphData;
  /** What is going to be trained. */
  readonly request: TrainRequest;
  /** A graph's variables with these values. */
  readonly feeds: (manifest: GraphManifest, values: StateValues) => Feeds;
  readonly values: StateValues;
}

/**
 * Makes one step on the first real rows with this processor's own kernels and with those of every processor, and compares. Nothing of it
 * stays. Whoever planned the job has compared them more strictly, with tfjs, but on a processor of its own.
 *
 * @returns what the own kernels compute otherwise, or why they do not run; undefined when they may be used
 * @throws StampedeError `graph.invalid` when a stored graph is damaged; `engine.failed`, `task.out-of-memory`
 */
export async function whyNotOwnKernels(check: SelfCheck): Promise<string | undefined> {
  const { definition, values } = check;
  const own = await check.graphs.load(wanted(check, check.block));
  const everyones = await check.graphs.load(wanted(check, undefined));
  const [slot] = memoryOf(definition.training.optimizer_config).slots;
  // Where an optimizer remembers gradients, that tells: Adam moves weights by as much for a gradient that is nothing but rounding.
  const prefix = slot === undefined ? "" : slotKey(slot, "");
  const begun: StateValues = { weights: shaken(values.weights), optimizer: new Map(), anchors: values.anchors };
  const expected = await stepOf(check, begun, everyones, undefined);
  try {
    const found = await stepOf(check, begun, own, check.block);
    return whyStepsDiffer(expected, found, (name) => name.startsWith(prefix));
  } catch (error) {
    const isOfKernels = isStampedeError(error) && ["engine.failed", "graph.invalid"].includes(error.code);
    if (!isOfKernels) throw error;
    return error.message;
  }
}

function wanted({ rows, data }: SelfCheck, block: Block | undefined): Extract<GraphRequest, { kind: "train" }> {
  return { kind: "train", batchSize: rows, fields: data.fields, block };
}

async function stepOf(
  check: SelfCheck,
  begun: StateValues,
  bytes: Uint8Array,
  block: Block | undefined,
): Promise<GraphStep> {
  const { definition, compute, rows, data, request } = check;
  const { settings } = readOptimizer(definition.training.optimizer_config);
  const graph = await LoadedGraph.open(bytes, wanted(check, block), compute);
  try {
    const { manifest } = graph;
    // A partition may have fewer rows.
    const order = Uint32Array.from({ length: rows }, (_, row) => row % request.data.rows);
    const batch = { ...request, order, batchSize: rows, randomKey: deriveKey("self-check") };
    const before = check.feeds(manifest, begun);
    const steps = stepFeeds(manifest, { from: 0, to: 1, rows }, batch, Number(settings["learningRate"]));
    return { manifest, before, after: await graph.run({ ...before, ...steps, ...data.feeds() }) };
  } finally {
    graph.close();
  }
}

/**
 * Half of the numbers are made larger by a half, the others smaller: a model that has learnt its rows has gradients that are nothing but
 * rounding, which differ whatever computes them.
 */
function shaken(weights: ReadonlyMap<string, Ort.Tensor>): Map<string, Ort.Tensor> {
  let state = deriveKey("self-check", "weights");
  const factor = (): number => {
    // The constants of Numerical Recipes; its upper bits are the better ones.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >= 2 ** 31 ? 1.5 : 0.5;
  };
  const shake = (tensor: Ort.Tensor): Ort.Tensor =>
    tensor.type === "float32"
      ? toOrt(
          floatsOf(tensor).map((value) => value * factor()),
          tensor.dims,
        )
      : tensor;
  return new Map([...weights].map(([name, tensor]) => [name, shake(tensor)]));
}
