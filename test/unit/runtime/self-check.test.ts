import { graphNameOf, hashTensors, type Compute, type GraphRequest } from "@stampede/core";
import { blockOf, createEngine, createGraphCompiler, defineModel, type DefinedModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { classRows, using, wholeEpoch } from "../../support/compiled-models.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const own = await blockOf();
const data = classRows(20);
const unchecked: Compute = { threads: 1, spinning: false };

interface Convolution {
  readonly activation?: "relu" | "tanh";
  readonly optimizer?: () => tf.Optimizer;
}

/** Six numbers become a picture of 16 channels, which is convolved. Weights do not depend on the activation. */
function pictures({ activation = "relu", optimizer = () => tf.train.sgd(0.01) }: Convolution = {}): DefinedModel {
  const { layers, initializers } = tfl;
  const kernelInitializer = initializers.glorotUniform({ seed: 3 });
  const stack = [
    layers.dense({ units: 128, inputShape: [6], kernelInitializer, name: "wide" }),
    layers.reshape({ targetShape: [2, 4, 16] }),
    layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", activation, kernelInitializer, name: "filters" }),
    layers.batchNormalization({ name: "norm" }),
    layers.flatten(),
    layers.dense({ units: 3, kernelInitializer, activation: "softmax", name: "classes" }),
  ];
  return defineModel(compiled(stack, { loss: "categoricalCrossentropy", optimizer: optimizer() }));
}

interface Trained {
  readonly weights: string;
  /** What the session says of its kernels. */
  readonly block: number | undefined;
  readonly reason: string | undefined;
  /** Names of the graphs that it asked for. */
  readonly asked: readonly string[];
}

interface Training {
  /** The model whose graphs are given out as those with blocks. */
  readonly blocked?: DefinedModel;
  /** By default kernels are checked. */
  readonly compute?: Compute;
  /** How often the epoch is trained. */
  readonly epochs?: number;
}

async function trained(model: DefinedModel, { blocked = model, compute, epochs = 1 }: Training = {}): Promise<Trained> {
  const [right, other] = [await createGraphCompiler(model.definition), await createGraphCompiler(blocked.definition)];
  const asked: string[] = [];
  const load = (request: GraphRequest): Promise<Uint8Array> => {
    asked.push(graphNameOf(request));
    return request.kind === "train" && request.block !== undefined ? other.load(request) : right.load(request);
  };
  const engine = await createEngine("compiled", compute ?? { ...unchecked, selfCheckRows: 2 });
  try {
    return await using(await engine.open(model.definition, { load }), async (opened) => {
      await opened.load(model.weights);
      let last = await opened.train(wholeEpoch(data, 10));
      for (let epoch = 1; epoch < epochs; epoch += 1) last = await opened.train(wholeEpoch(data, 10));
      const { weights } = await opened.save();
      return { weights: hashTensors(weights), block: last.block, reason: last.kernelReason, asked };
    });
  } finally {
    right.dispose();
    other.dispose();
  }
}

const checked = own === undefined ? [] : [`train-2-k${own}`, "train-2"];
const name = own === undefined ? "train-10" : `train-10-k${own}`;

describe("kernels of the processor's own", () => {
  it("are compared with those of every processor before they train, once, and change nothing by it", async () => {
    const model = pictures();
    const found = await trained(model, { epochs: 2 });
    expect(found).toMatchObject({ block: own, reason: undefined, asked: [name, ...checked] });
    const { weights, asked } = await trained(model, { compute: unchecked, epochs: 2 });
    expect(asked).toEqual([name]);
    expect(weights).toBe(found.weights);
  });

  it.each([
    { optimizer: "sgd", make: () => tf.train.sgd(0.01) },
    { optimizer: "adam", make: () => tf.train.adam(0.01) },
    { optimizer: "rmsprop", make: () => tf.train.rmsprop(0.01) },
  ])("are left alone where they compute something else: $optimizer", async ({ make }) => {
    const model = pictures({ optimizer: make });
    const found = await trained(model, { blocked: pictures({ optimizer: make, activation: "tanh" }), epochs: 2 });
    const right = await trained(model, { compute: { ...unchecked, portable: true }, epochs: 2 });
    expect(right).toMatchObject({ block: undefined, reason: undefined });
    expect(found.weights).toBe(right.weights);
    const asked = [name, ...checked, ...(own === undefined ? [] : ["train-10"])];
    expect(found).toMatchObject({ block: undefined, asked });
    const reason: unknown = own === undefined ? undefined : expect.stringMatching(/(where|than) the kernels of every/);
    expect(found.reason).toEqual(reason);
  });
});
