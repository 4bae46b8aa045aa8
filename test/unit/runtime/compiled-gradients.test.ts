import type { EngineName, GradientSettings, ModelDefinition, NamedTensors } from "@stampede/core";
import { createEngine, defineModel, withSeededRandom } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { classRows, distance, using, wholeEpoch } from "../../support/compiled-models.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const data = classRows(24);
const rate = 0.5;
const layers = (): Parameters<typeof compiled>[0] => [
  tfl.layers.dense({ units: 8, activation: "tanh", inputShape: [6], name: "hidden" }),
  tfl.layers.dense({ units: 3, activation: "softmax", name: "classes" }),
];
let definition: ModelDefinition;
let weights: NamedTensors;
beforeAll(() => {
  const compile = { optimizer: tf.train.sgd(rate), loss: "categoricalCrossentropy" };
  ({ definition, weights } = defineModel(withSeededRandom(1, () => compiled(layers(), compile))));
});

function withGradients(gradients: GradientSettings | undefined): ModelDefinition {
  return gradients === undefined ? definition : { ...definition, training: { ...definition.training, gradients } };
}

/** Weights after each of the given numbers of batches, all from one load. */
async function trained(
  engine: EngineName,
  gradients: GradientSettings | undefined,
  batches: readonly number[] = [6],
): Promise<NamedTensors> {
  return using(await (await createEngine(engine)).open(withGradients(gradients)), async (session) => {
    await session.load(weights);
    let fromBatch = 0;
    for (const count of batches) {
      await session.train(wholeEpoch(data, 4, { fromBatch, toBatch: fromBatch + count }));
      fromBatch += count;
    }
    return (await session.save()).weights;
  });
}

/** The length of all movements together, or of one weight's. */
function moved(after: NamedTensors, name?: string): number {
  let squares = 0;
  for (const [each, { data: values }] of after) {
    if (name !== undefined && each !== name) continue;
    for (const [index, value] of values.entries()) squares += (value - (weights.get(each)?.data[index] ?? 0)) ** 2;
  }
  return Math.sqrt(squares);
}

describe.each(["tfjs-cpu", "compiled"] as const)("gradients that are changed: %s", (engine) => {
  it("keeps weights near those that were loaded, the closer the stronger the proximal term", async () => {
    const free = moved(await trained(engine, undefined));
    const near = moved(await trained(engine, { proximal: 0.5 }));
    const nearer = moved(await trained(engine, { proximal: 1.5 }));
    expect(near).toBeLessThan(free * 0.99);
    expect(nearer).toBeLessThan(near * 0.99);
    // In the first step weights are where they were loaded: there is nothing to pull.
    expect(distance(await trained(engine, { proximal: 0.5 }, [1]), await trained(engine, undefined, [1]))).toBe(0);
  });

  it("measures from what was loaded, also in later calls", async () => {
    const proximal = 0.5;
    const whole = await trained(engine, { proximal });
    expect(distance(await trained(engine, { proximal }, [1, 2, 3]), whole)).toBe(0);
  });

  it("clips elements, single gradients and all together", async () => {
    const step = (gradients: GradientSettings): Promise<NamedTensors> => trained(engine, gradients, [1]);
    const elements = [...(await step({ clipValue: 0.001 }))].flatMap(([name, { data: values }]) =>
      [...values].map((value, index) => Math.abs(value - (weights.get(name)?.data[index] ?? 0))),
    );
    expect(Math.max(...elements)).toBeCloseTo(0.001 * rate, 6);
    const single = await step({ clipNorm: 0.01 });
    expect(moved(single, "hidden/kernel")).toBeCloseTo(0.01 * rate, 5);
    expect(moved(single, "classes/kernel")).toBeCloseTo(0.01 * rate, 5);
    expect(moved(await step({ globalClipNorm: 0.01 }))).toBeCloseTo(0.01 * rate, 5);
  });
});

it("changes gradients equally on both engines", async () => {
  const settings = { proximal: 0.3, clipValue: 0.2, clipNorm: 0.3, globalClipNorm: 0.4 };
  const [reference, found] = [await trained("tfjs-cpu", settings), await trained("compiled", settings)];
  expect(distance(reference, found)).toBeLessThan(1e-6);
  expect(moved(reference)).toBeLessThan(moved(await trained("tfjs-cpu", undefined)));
});

it("frees the weights that a proximal term holds on to", async () => {
  const { numTensors } = tf.memory();
  await using(await (await createEngine("tfjs-cpu")).open(withGradients({ proximal: 1 })), async (session) => {
    await session.load(weights);
    await session.train(wholeEpoch(data, 4));
    const first = tf.memory().numTensors;
    await session.load(weights);
    await session.train(wholeEpoch(data, 4));
    expect(tf.memory().numTensors).toBe(first);
  });
  expect(tf.memory().numTensors).toBe(numTensors);
});
