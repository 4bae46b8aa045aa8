import { graphNamesFor, type GraphRequest } from "@stampede/core";
import {
  blockOf,
  type CompiledPlan,
  createEngine,
  type DefinedModel,
  defineModel,
  type EnginePlan,
  type EnginePlanRequest,
  type PlanCache,
  planEngine,
} from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { classRows, fieldsOf, noisyClassifier, using, wholeEpoch } from "../../support/compiled-models.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const data = classRows(20);
const fields = fieldsOf(data);

function request(model: DefinedModel, changes: Partial<EnginePlanRequest> = {}): EnginePlanRequest {
  const { definition, custom, weights } = model;
  const job = { purpose: "train" as const, fields, batchSizes: [8, 4], sampleRows: data, cores: 2, executors: 2 };
  return { definition, custom, weights, ...job, ...changes };
}

const classifier = (): DefinedModel => defineModel(noisyClassifier(tf.train.adam(0.01)));

/** A layer that looks at values, which a trace does not have. */
class Looking extends tfl.layers.Layer {
  static readonly className = "Looking";
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat();
    if (input === undefined) throw new Error("no input");
    return (input.dataSync()[0] ?? 0) > 0 ? input : tf.neg(input);
  }
}
tf.serialization.registerClass(Looking);

class Squaring extends tfl.layers.Layer {
  static readonly className = "Squaring";
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    return [inputs].flat().map((input) => tf.square(input));
  }
}
tf.serialization.registerClass(Squaring);

describe("the engine of a job", () => {
  it("is the compiled one, with a graph for everything that the job's tasks ask for", async () => {
    const model = classifier();
    const plan = await planEngine(request(model, { validates: true }));
    if (plan.engine !== "compiled") throw new Error(`the plan is ${plan.engine}: ${plan.reason}`);
    expect([...plan.graphs.keys()]).toEqual(["train-8", "train-4", "evaluate"]);
    expect(plan.compute).toEqual({ threads: 1, spinning: false });
    const load = async (wanted: GraphRequest): Promise<Uint8Array> =>
      graphNamesFor(wanted)
        .map((name) => plan.graphs.get(name))
        .find((bytes) => bytes !== undefined) ?? new Uint8Array();
    const session = await (await createEngine("compiled", plan.compute)).open(model.definition, { load });
    await using(session, async () => {
      await session.load(model.weights);
      expect(await session.train(wholeEpoch(data, 8))).toMatchObject({ examples: 20 });
      await session.evaluate({ data, batchSize: 8, fromRow: 0, toRow: 20 });
    });
  });

  it.each([
    { purpose: "evaluate", names: ["evaluate"] },
    { purpose: "predict", names: ["predict"] },
  ] as const)("has only what it takes to $purpose", async ({ purpose, names }) => {
    const plan = await planEngine(request(classifier(), { purpose, batchSizes: undefined, sampleRows: undefined }));
    expect(plan.engine === "compiled" && [...plan.graphs.keys()]).toEqual(names);
  });

  it("leaves the caller's tfjs as it was", async () => {
    const model = classifier();
    const { numTensors } = tf.memory();
    const random = Math.random;
    await planEngine(request(model));
    expect(tf.getBackend()).toBe("cpu");
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(Math.random).toBe(random);
  });

  it.each(["tfjs-cpu", "tfjs-wasm"] as const)("is the one that is wanted: %s", async (wanted) => {
    expect(await planEngine(request(classifier(), { wanted }))).toEqual({ engine: wanted });
  });
});

describe("a model that cannot be compiled", () => {
  const model = (): DefinedModel => {
    const layers = [tfl.layers.dense({ units: 3, inputShape: [6], name: "only" }), new Looking({ name: "looks" })];
    return defineModel(compiled(layers), { allowCustom: true });
  };

  it("is refused when only the compiled engine could run it, or it is wanted", async () => {
    for (const wanted of [undefined, "compiled"] as const) {
      const planning = planEngine(request(model(), { wanted }));
      await expect(planning).rejects.toMatchObject({ code: "model.not-traceable" });
      await expect(planning).rejects.toThrow(/reads the result of .*looks|reads .*only/);
    }
  });

  it("is refused before anything starts when a tfjs engine is wanted for the user's own code", async () => {
    const loss = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor =>
      tf.mean(tf.square(tf.sub(labels, predictions)), -1);
    const layers = [tfl.layers.dense({ units: 3, inputShape: [6] })];
    const own = defineModel(compiled(layers, { loss }), { allowCustom: true });
    const planning = planEngine(request(own, { wanted: "tfjs-cpu" }));
    await expect(planning).rejects.toMatchObject({ code: "model.unsupported", details: { engine: "tfjs-cpu" } });
    await expect(planning).rejects.toThrow(/its loss "loss" is a function of the user's own/);
  });

  it("falls back to tfjs with the reason", async () => {
    // It looks for the largest number in its input.
    const encode = tfl.layers.categoryEncoding({ numTokens: 300, outputMode: "multiHot", inputShape: [6] });
    const encoding = defineModel(compiled([encode, tfl.layers.dense({ units: 3 })]));
    const words = fields.map((field, index) =>
      index === 0 ? { ...field, encoding: { kind: "affine" as const, subtract: [0], divide: [1] } } : field,
    );
    const plan = await planEngine(request(encoding, { fields: words, sampleRows: undefined }));
    expect(plan).toMatchObject({ engine: expect.stringMatching(/^tfjs-/), reason: expect.stringContaining("reads") });
  });
});

/** Six numbers become a picture of 16 channels, which is convolved. */
function pictures(loss: (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor): tfl.LayersModel {
  const { layers } = tfl;
  const stack = [
    layers.dense({ units: 128, inputShape: [6] }),
    layers.reshape({ targetShape: [2, 4, 16] }),
    layers.conv2d({ filters: 16, kernelSize: 3, padding: "same" }),
    layers.flatten(),
    layers.dense({ units: 3 }),
  ];
  return compiled(stack, { loss });
}

describe("a model whose graph does not compute what tfjs does", () => {
  /** Counts its calls: a trace sees one of them, whose number is then a constant. */
  const counting = (): DefinedModel => {
    let calls = 0;
    const loss = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor => {
      calls += 1;
      return tf.mul(tf.mean(tf.square(tf.sub(labels, predictions)), -1), calls);
    };
    return defineModel(compiled([tfl.layers.dense({ units: 3, inputShape: [6] })], { loss }), { allowCustom: true });
  };

  it("is refused, with what differs", async () => {
    const planning = planEngine(request(counting()));
    await expect(planning).rejects.toMatchObject({ code: "model.not-traceable", details: { reason: "differs" } });
    await expect(planning).rejects.toThrow(/a loss of [\d.]+ where tfjs computes/);
  });

  it.each([
    { optimizer: "sgd", found: /as weight "only\/kernel"\[\d+\] where tfjs computes/ },
    // Its steps are as long whatever the gradients are.
    { optimizer: "adam", found: /as "optimizer\/accumulatedFirstMoment\/only\/kernel"\[\d+\] where tfjs computes/ },
  ])("is refused for its gradients as well: $optimizer", async ({ optimizer, found }) => {
    let calls = 0;
    const loss = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor => {
      calls += 1;
      const factor = calls;
      const steeper = tf.customGrad((error) => ({
        value: tf.clone(error as tf.Tensor),
        gradFunc: (gradient: tf.Tensor) => tf.mul(gradient, factor),
      }));
      return tf.mean(tf.square(steeper(tf.sub(labels, predictions))), -1);
    };
    const model = compiled([tfl.layers.dense({ units: 3, inputShape: [6], name: "only" })], { loss, optimizer });
    const planning = planEngine(request(defineModel(model, { allowCustom: true })));
    await expect(planning).rejects.toThrow(found);
  });

  it("is one of kernels of this processor alone, which are then left out, with what differs", async () => {
    let calls = 0;
    const wrongAt = async (call: number): Promise<EnginePlan | undefined> => {
      const loss = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor => {
        calls += 1;
        return tf.mul(tf.mean(tf.square(tf.sub(labels, predictions)), -1), calls === call ? 2 : 1);
      };
      const model = defineModel(pictures(loss), { allowCustom: true });
      calls = 0;
      return planEngine(request(model)).catch(() => undefined);
    };
    // Every trace calls the loss once: that of the blocked graph to be checked is one of them.
    const plans: (EnginePlan | undefined)[] = [];
    for (let call = 1; call <= 12; call += 1) plans.push(await wrongAt(call));
    const portable = plans.flatMap((plan) =>
      plan?.engine === "compiled" && plan.reason !== undefined ? [[plan.reason, [...plan.graphs.keys()]]] : [],
    );
    const without = [expect.stringMatching(/a loss of [\d.]+ where tfjs computes/), ["train-8", "train-4"]];
    expect(portable).toEqual((await blockOf()) === undefined ? [] : [without]);
  });

  it("is not noticed without rows to try it on", async () => {
    expect(await planEngine(request(counting(), { sampleRows: undefined }))).toMatchObject({ engine: "compiled" });
  });
});

describe("plans that were made before", () => {
  const cacheIn = (entries: Map<string, CompiledPlan>): PlanCache => ({
    get: async (key) => entries.get(key),
    put: async (key, plan) => void entries.set(key, plan),
  });

  it("are taken for the same model, data and batch sizes, whatever the machine", async () => {
    const entries = new Map<string, CompiledPlan>();
    const cache = cacheIn(entries);
    const model = classifier();
    const first = await planEngine(request(model, { cache }));
    const [[key, plan] = ["", undefined]] = entries;
    if (plan === undefined || first.engine !== "compiled") throw new Error("nothing was kept");
    const marked = new Map([...plan.graphs].map(([name]) => [name, Uint8Array.of(1, 2, 3)]));
    entries.set(key, { ...plan, graphs: marked });
    const second = await planEngine(request(model, { cache, cores: 64 }));
    expect(second).toMatchObject({ engine: "compiled", graphs: marked });
  });

  it("are not taken for another one", async () => {
    const entries = new Map<string, CompiledPlan>();
    const cache = cacheIn(entries);
    const variants: Partial<EnginePlanRequest>[] = [
      {},
      { batchSizes: [5] },
      { purpose: "evaluate" },
      { purpose: "predict" },
    ];
    const model = classifier();
    for (const variant of variants) await planEngine(request(model, { cache, ...variant }));
    await planEngine(request(defineModel(compiled([tfl.layers.dense({ units: 3, inputShape: [6] })])), { cache }));
    expect(entries.size).toBe(variants.length + 1);
  });

  it("are not kept where the user's own code takes part", async () => {
    const entries = new Map<string, CompiledPlan>();
    const loss = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor =>
      tf.mean(tf.square(tf.sub(labels, predictions)), -1);
    const model = defineModel(compiled([tfl.layers.dense({ units: 3, inputShape: [6] })], { loss }), {
      allowCustom: true,
    });
    await planEngine(request(model, { cache: cacheIn(entries) }));
    const layers = [tfl.layers.dense({ units: 3, inputShape: [6] }), new Squaring({ name: "own" })];
    await planEngine(request(defineModel(compiled(layers), { allowCustom: true }), { cache: cacheIn(entries) }));
    expect(entries.size).toBe(0);
  });
});
