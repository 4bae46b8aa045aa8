import { isStampedeError } from "@stampede/core";
import { compilePrediction, loadLayers } from "@stampede/graph";
import { createEngine, createGraphCompiler, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { floats } from "../../cases/data.js";
import { opsOf } from "../../cases/graph-size.js";
import { leakyCell, LeakyCell } from "../../cases/leaky-cell.js";
import type { Layer } from "../../cases/case.js";

beforeAll(() => createEngine("tfjs-cpu"));

type Kind = "train" | "evaluate" | "predict";
interface Size {
  readonly nodes: number;
  /** Operators of a training graph that run once a time step. */
  readonly inSteps: readonly string[];
  readonly bytes: number;
}

type Gates = Pick<Parameters<typeof layers.lstm>[0], "units" | "inputShape" | "recurrentActivation">;

/** The size of a graph of a recurrent layer and a dense one, for sequences of some length. */
async function sizeOf(kind: Kind, steps: number, first: (inputShape: number[]) => readonly Layer[]): Promise<Size> {
  const model = sequential({ layers: [...first([steps, 3]), layers.dense({ units: 1 })] });
  model.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError" });
  const { definition, custom } = defineModel(model, { allowCustom: true });
  const compiler = await createGraphCompiler(definition, custom);
  try {
    const x = floats([steps, 3])({ name: "x", role: "feature" }, 1, 1).field;
    const y = floats([1])({ name: "y", role: "label" }, 1, 1).field;
    const fields = kind === "predict" ? [x] : [x, y];
    const request = kind === "train" ? { kind, batchSize: 4, fields } : { kind, fields };
    const { bytes } = compiler.compile(request);
    return { nodes: opsOf(bytes).length, inSteps: opsOf(bytes, 2), bytes: bytes.length };
  } finally {
    compiler.dispose();
    model.dispose();
  }
}

it("leaves tfjs' count of layers alone, from which names of others follow", async () => {
  const lstm = (inputShape: number[]): readonly Layer[] => [layers.lstm({ units: 4, inputShape, name: "only" })];
  const numberOf = (): number => Number(/\d+$/.exec(layers.activation({ activation: "hardSigmoid" }).name)?.[0]);
  await sizeOf("train", 3, lstm);
  const before = numberOf();
  await sizeOf("train", 4, lstm);
  expect(numberOf()).toBe(before + 1);
});

it.each([
  ["lstm", (args: Gates) => layers.lstm(args), 32],
  ["gru", (args: Gates) => layers.gru(args), 27],
] as const)(
  "%s: the line of a hard sigmoid is in the weights, where it is drawn once and not in every step",
  async (_, layer, most) => {
    const { inSteps } = await sizeOf("train", 3, (inputShape) => [
      layer({ units: 4, inputShape, recurrentActivation: "hardSigmoid" }),
    ]);
    expect(inSteps.length).toBeLessThanOrEqual(most);
    // Its gradient is something times 1 or 0, which takes less time than to choose.
    expect(inSteps).not.toContain("Where");
  },
);

const kinds: readonly (readonly [string, (inputShape: number[]) => readonly Layer[]])[] = [
  ["lstm", (inputShape) => [layers.lstm({ units: 4, inputShape })]],
  ["gru", (inputShape) => [layers.gru({ units: 4, inputShape })]],
  ["simpleRNN", (inputShape) => [layers.simpleRNN({ units: 4, inputShape })]],
  [
    "bidirectional",
    (inputShape) => [
      layers.masking({ inputShape }),
      layers.bidirectional({ layer: layers.gru({ units: 2 }), mergeMode: "sum" }),
    ],
  ],
  ["stacked cells", (inputShape) => [layers.rnn({ cell: [layers.gruCell({ units: 3 }), leakyCell(4)], inputShape })]],
  [
    "stacked cells with dropout",
    (inputShape) => [
      layers.rnn({
        cell: [layers.lstmCell({ units: 3, dropout: 0.2 }), layers.gruCell({ units: 3, recurrentDropout: 0.2 })],
        inputShape,
      }),
    ],
  ],
  [
    "sequences",
    (inputShape) => [
      layers.lstm({ units: 4, inputShape, returnSequences: true, dropout: 0.2, recurrentDropout: 0.2 }),
      layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
      layers.globalAveragePooling1d({}),
    ],
  ],
];

it.each(kinds)("has graphs of the same size for sequences of any length: %s", async (_, first) => {
  for (const kind of ["train", "evaluate", "predict"] as const) {
    const [short, long] = [await sizeOf(kind, 20, first), await sizeOf(kind, 1000, first)];
    expect(long.nodes).toBe(short.nodes);
    expect(Math.abs(long.bytes - short.bytes)).toBeLessThan(200);
    expect(long.bytes).toBeLessThan(100_000);
  }
});

async function refusal(
  first: (inputShape: number[]) => readonly Layer[],
): Promise<{ reason: unknown; message: string }> {
  try {
    await sizeOf("train", 3, first);
  } catch (error) {
    if (isStampedeError(error)) return { reason: error.details["reason"], message: error.message };
    throw error;
  }
  throw new Error("expected a refusal");
}

it("refuses a stateful layer by name, and leaves tfjs' layers as they were", () => {
  const before: unknown = Reflect.get(loadLayers().RNN.prototype, "call");
  const layer = layers.gru({ units: 2, stateful: true, batchInputShape: [29, 3, 2], name: "remembering" });
  const model = sequential({ layers: [layer] });
  const fields = [floats([3, 2])({ name: "x", role: "feature" }, 1, 1).field];
  const source = { model, names: () => new Map<tf.Variable, string>(), outputs: ["y"] };
  expect(() => compilePrediction(source, { fields })).toThrow('the layer "remembering" with "stateful"');
  expect(Reflect.get(loadLayers().RNN.prototype, "call")).toBe(before);
  model.dispose();
});

/** What `OddCell` does with its state. */
let change = (next: tf.Tensor): tf.Tensor => next;

class OddCell extends LeakyCell {
  static override className = "OddCell";

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    return super.call(inputs).map((next) => change(next));
  }
}
tf.serialization.registerClass(OddCell);

function changed(by: typeof change): Layer {
  change = by;
  return layers.rnn({ cell: new OddCell({ units: 4 }), inputShape: [3, 3], name: "odd" });
}

it("refuses a cell that draws random numbers in every step", async () => {
  const { reason, message } = await refusal(() => [changed((next) => tf.add(next, tf.randomUniform(next.shape)))]);
  expect(reason).toBe("random");
  expect(message).toContain("draws random numbers in every step");
  expect(message).toContain("odd");
});

it("refuses a cell that does not do the same in every step", async () => {
  let calls = 0;
  const counted = (next: tf.Tensor): tf.Tensor => tf.mul(next, (calls += 1));
  const { message } = await refusal(() => [changed(counted)]);
  expect(message).toContain("computes something else in every step");
});

it("refuses a cell that computes with a variable of somebody else", async () => {
  const other = tf.variable(tf.scalar(2));
  const { message } = await refusal(() => [changed((next) => tf.mul(next, other))]);
  expect(message).toContain("neither its weights nor its inputs");
  other.dispose();
});
