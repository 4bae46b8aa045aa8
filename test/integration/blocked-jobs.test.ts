import { ServerlessModel, showJob } from "@stampede/client";
import { type Block, type Engine, type JobEvent, type JobSpec } from "@stampede/core";
import { readManifest } from "@stampede/graph/format";
import {
  blockOf,
  createEngine,
  defineModel,
  planEngine,
  withSeededRandom,
  type DefinedModel,
  type EnginePlan,
} from "@stampede/runtime";
import { graphClaimsOf, readResult, readRoundRecord, type Graphs } from "@stampede/training";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { clusterForEach, graphNames, lastSpec } from "../support/client-jobs.js";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { linearRows } from "../support/linear-rows.js";
import { World } from "../support/world.js";

const made = clusterForEach();
const own = await blockOf();
/** Of a processor that is not this one. */
const foreign: Block = own === 8 ? 16 : 8;

/** What a record says of kernels of one kind. */
const ofOwn = own === undefined ? undefined : [own];

/** Two numbers become a picture of 16 channels, which is convolved. */
function pictures(activation: "tanh" | "relu" = "tanh"): LayersModel {
  const model = withSeededRandom(1, () =>
    sequential({
      layers: [
        layers.dense({ units: 128, activation: "tanh", inputShape: [2], name: "wide" }),
        layers.reshape({ targetShape: [2, 4, 16] }),
        layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", activation, name: "filters" }),
        layers.flatten(),
        layers.dense({ units: 1, name: "number" }),
      ],
    }),
  );
  model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
  return model;
}

describe("a local job with convolutions", () => {
  it("has a graph for this machine's processor beside that of every other, and says what trained it", async () => {
    const distributed = new ServerlessModel(pictures(), { cluster: made.cluster, executors: 2 });
    await distributed.fit(linearRows(16, 1), { epochs: 1, batchSize: 4 });
    const spec = await lastSpec(made.cluster);
    // The small ones are for executors to check their kernels with.
    const blocked = own === undefined ? [] : [`train-4-k${own}`, "train-2", `train-2-k${own}`];
    expect(graphNames(spec)).toEqual(["train-4", ...blocked]);
    const details = await showJob(made.cluster, spec.job);
    expect(details.history[0]?.executors.map(({ blocks }) => blocks)).toEqual([ofOwn, ofOwn]);
  });

  it("trains to the same weights without them, within rounding", async () => {
    const trained = async (portable: boolean): Promise<readonly number[]> => {
      const model = pictures();
      const distributed = new ServerlessModel(model, { cluster: made.cluster, executors: 1, portable });
      await distributed.fit(linearRows(16, 1), { epochs: 2, batchSize: 4 });
      const spec = await lastSpec(made.cluster);
      expect(spec.compute?.portable === true).toBe(portable);
      if (portable) expect(graphNames(spec)).toEqual(["train-4"]);
      return model.getWeights().flatMap((weight) => Array.from(weight.dataSync()));
    };
    const [plain, blocked] = [await trained(true), await trained(false)];
    expect(Math.max(...plain.map((value, at) => Math.abs(value - (blocked[at] ?? Number.NaN))))).toBeLessThan(1e-6);
  });
});

async function planned(
  blocks: readonly Block[],
  activation?: "relu",
): Promise<{ model: DefinedModel; plan: EnginePlan & { engine: "compiled" } }> {
  const { fields } = await storePartitions(new World().store, [4, 4]);
  const model = defineModel(pictures(activation));
  const { definition } = model;
  const common = { definition, purpose: "train", fields, batchSizes: [4], cores: 1, executors: 1 } as const;
  const plan = await planEngine({ ...common, blocks });
  if (plan.engine !== "compiled") throw new Error(plan.reason);
  return { model, plan };
}

async function run(
  engine: Engine,
  model: DefinedModel,
  graphs: Graphs,
  epochs = 1,
): Promise<{ spec: JobSpec; world: World; result: unknown }> {
  const world = new World({ engine, graphs });
  const { dataset } = await storePartitions(world.store, [4, 4]);
  const claims = {
    engine: "compiled",
    compute: { threads: 1, spinning: false },
    graphs: graphClaimsOf(graphs),
  } as const;
  const training = { epochs, batchSize: 4, maxAttempts: 1 };
  const spec = makeJobSpec({ ...claims, model: model.definition, dataset, partitionRows: [4, 4], training });
  await world.submit(spec, model.weights);
  return { spec, world, result: await world.run(spec) };
}

const compute = { threads: 1, spinning: false };

async function resultOf({ spec, world }: { readonly spec: JobSpec; readonly world: World }): Promise<{
  readonly weightsSha256: string | undefined;
  readonly reasons: readonly (string | undefined)[];
}> {
  const record = await readRoundRecord(world.store, spec.job, 1);
  const result = await readResult(world.store, spec.job);
  return {
    weightsSha256: result?.weightsSha256,
    reasons: record?.contributions.map(({ kernelReason }) => kernelReason) ?? [],
  };
}

describe("a job for processors of any kind", () => {
  it("has a graph for each of them, which says whose it is", async () => {
    const { plan } = await planned([16, 8]);
    const blocks = [...plan.graphs].map(([name, bytes]) => [name, readManifest(bytes, name).block]);
    expect(blocks).toEqual([
      ["train-4", undefined],
      ["train-4-k16", 16],
      ["train-4-k8", 8],
      ["train-2", undefined],
      ["train-2-k16", 16],
      ["train-2-k8", 8],
    ]);
  });

  it("is trained by those without blocked kernels too, and a fleet that differs is told", async () => {
    const { model, plan } = await planned(own === undefined ? [] : [own]);
    const without = await createEngine("compiled", compute, () => Promise.resolve(undefined));
    const engines = [await createEngine("compiled", compute), without];
    let opened = 0;
    const fleet: Engine = {
      name: "compiled",
      open: (definition, graphs) => (engines[(opened += 1) % 2] ?? without).open(definition, graphs),
    };
    const { spec, world, result } = await run(fleet, model, plan.graphs);
    expect(result).toMatchObject({ status: "succeeded" });
    const record = await readRoundRecord(world.store, spec.job, 1);
    expect(record?.contributions.map(({ blocks }) => blocks)).toEqual(expect.arrayContaining([ofOwn, undefined]));
    const told = world.events.find(
      (event): event is JobEvent & { event: "round.finished" } => event.event === "round.finished",
    );
    expect(told?.blocks).toEqual(own === undefined ? undefined : [own, 0]);
  });

  it("goes on on a machine of another kind, and tells each round's kernels", async () => {
    const { model, plan } = await planned(own === undefined ? [] : [own]);
    const before = await createEngine("compiled", compute);
    const after = await createEngine("compiled", compute, () => Promise.resolve(foreign));
    let opened = 0;
    // Both executors of the first round; those of the second one find no graph of their own.
    const moved: Engine = {
      name: "compiled",
      open: (definition, graphs) => ((opened += 1) <= 2 ? before : after).open(definition, graphs),
    };
    const { world, result } = await run(moved, model, plan.graphs, 2);
    expect(result).toMatchObject({ status: "succeeded" });
    const told = world.events.flatMap((event) => (event.event === "round.finished" ? [event.blocks] : []));
    expect(told).toEqual([ofOwn, undefined]);
  });

  it("runs the graph of every processor on one that nobody made a graph for", async () => {
    const { model, plan } = await planned([foreign]);
    const { result } = await run(await createEngine("compiled", compute), model, plan.graphs);
    expect(result).toMatchObject({ status: "succeeded" });
  });
});

it("an executor on whose processor blocked kernels are wrong trains without them, and its job says why", async () => {
  const blocks = own === undefined ? [] : [own];
  const { model, plan } = await planned(blocks);
  // As if they did not know the activation.
  const wrong = await planned(blocks, "relu");
  const graphs = new Map([...plan.graphs].map(([name, bytes]) => [name, wrong.plan.graphs.get(name) ?? bytes]));
  for (const name of ["train-4", "train-2"]) graphs.set(name, plan.graphs.get(name) ?? new Uint8Array());
  expect(plan.compute.selfCheckRows).toBe(own === undefined ? undefined : 2);
  const broken = await run(await createEngine("compiled", plan.compute), model, graphs);
  const portable = await run(await createEngine("compiled", { ...compute, portable: true }), model, plan.graphs);
  expect(broken.result).toMatchObject({ status: "succeeded" });
  const [ofBroken, ofPortable] = [await resultOf(broken), await resultOf(portable)];
  expect(ofBroken.weightsSha256).toBe(ofPortable.weightsSha256);
  const reason: unknown = own === undefined ? undefined : expect.stringContaining("the kernels of every processor");
  expect(ofBroken.reasons).toEqual([reason, reason]);
  expect(ofPortable.reasons).toEqual([undefined, undefined]);
  const told = broken.world.events.flatMap((event) => (event.event === "round.finished" ? [event.kernelReason] : []));
  expect(told).toEqual([reason]);
});

it("a graph for another processor is refused before its first step", async () => {
  const { model, plan } = await planned([16, 8]);
  const renamed = (from: Block, to: Block): Graphs =>
    new Map(
      [...plan.graphs].flatMap(([name, bytes]) => (name === `train-4-k${from}` ? [[`train-4-k${to}`, bytes]] : [])),
    );
  for (const [block, other] of [
    [8, 16],
    [16, 8],
  ] as const) {
    // As if the executor's processor were that one: it asks for its own graph, and is given the other's.
    const engine = await createEngine("compiled", compute, () => Promise.resolve(block));
    const { result, world } = await run(engine, model, renamed(other, block));
    expect(result).toMatchObject({ status: "failed", error: { code: "graph.other-block" } });
    expect(world.events.filter(({ event }) => event === "task.progress")).toEqual([]);
  }
});
