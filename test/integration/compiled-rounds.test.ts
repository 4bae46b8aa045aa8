import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { randomUint32, type Engine, type JobResult, type JobSpec, type NamedTensors } from "@stampede/core";
import { FolderObjectStore, LocalCloud } from "@stampede/local";
import { createEngine, defineModel, planEngine, prepareTfjs, withSeededRandom } from "@stampede/runtime";
import { graphClaimsOf, readResult, type Graphs } from "@stampede/training";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

/** Three whole batches and a short one in each. */
const partitionRows = [29, 27];

let engine: Engine;
let weights: NamedTensors;
let graphs: Graphs;
let overrides: Partial<Omit<JobSpec, "training">>;

beforeAll(async () => {
  await prepareTfjs();
  const model = await withSeededRandom(1, async () => {
    const built = sequential({
      layers: [
        layers.dense({ name: "hidden", units: 5, activation: "relu", inputShape: [2] }),
        layers.dropout({ name: "drop", rate: 0.3 }),
        layers.dense({ name: "out", units: 1 }),
      ],
    });
    built.compile({ optimizer: "adam", loss: "meanSquaredError", metrics: ["mae"] });
    return built;
  });
  const defined = defineModel(model);
  const { definition } = defined;
  const { fields } = await storePartitions(new World().store, partitionRows);
  const batchSizes = [8, 5, 3];
  const plan = await planEngine({
    definition,
    purpose: "train",
    fields,
    batchSizes,
    validates: true,
    cores: availableParallelism(),
    executors: 2,
  });
  if (plan.engine !== "compiled") throw new Error(plan.reason);
  const { compute } = plan;
  engine = await createEngine("compiled", compute);
  ({ weights } = defined);
  ({ graphs } = plan);
  overrides = { engine: "compiled", compute, graphs: graphClaimsOf(graphs), model: definition };
});

async function submitted(
  options: Omit<WorldOptions, "engine" | "graphs"> = {},
): Promise<{ world: World; spec: JobSpec }> {
  const world = new World({ ...options, engine, graphs });
  const { dataset } = await storePartitions(world.store, partitionRows);
  const validation = (await storePartitions(world.store, [7, 6])).dataset;
  const training = { epochs: 4, batchSize: 8, seed: 5 };
  const spec = makeJobSpec({ ...overrides, dataset, validation, partitionRows: [...partitionRows], training });
  await world.submit(spec, weights);
  return { world, spec };
}

async function finished(options: Omit<WorldOptions, "engine" | "graphs"> = {}): Promise<JobResult | undefined> {
  const { world, spec } = await submitted(options);
  const result = await world.run(spec);
  expect(result).toMatchObject({ status: "succeeded" });
  return result;
}

it("the compiled engine ends in the same bits however executors cut their work, warm or not", async () => {
  const { weightsSha256, metrics, validation } = (await finished()) ?? {};
  expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  // So much time passes that every piece is one batch.
  for (const options of [{ msPerLook: 5000 }, { msPerLook: 40, warm: true }, { warm: true }]) {
    expect(await finished(options)).toMatchObject({ weightsSha256, metrics, validation });
  }
});

it("the compiled engine ends in the same bits after any number of crashes", async () => {
  const undisturbed = (await finished())?.weightsSha256;
  for (const seed of [1, 2, 3]) {
    const { world, spec } = await submitted({ warm: seed === 3 });
    for (let crashes = 0; crashes < 4; crashes += 1) {
      let steps = randomUint32(seed, crashes) % 12;
      await world.run(spec, () => (steps -= 1) < 0);
      world.crash();
      await world.resume(spec);
    }
    expect(await world.run(spec)).toMatchObject({ status: "succeeded", weightsSha256: undisturbed });
  }
});

it.each([
  { name: "compiled", status: "succeeded" },
  // The fixture notices: this one needs it.
  { name: "tfjs-cpu", status: "failed" },
] as const)("executors of a compiled job never load tfjs: $name", async ({ name, status }) => {
  const home = await mkdtemp(join(tmpdir(), "stampede-no-tfjs-"));
  const store = FolderObjectStore.open(home);
  const { dataset } = await storePartitions(store, partitionRows);
  const training = { epochs: 2, batchSize: 8, maxAttempts: 1 };
  const data = { dataset, validation: dataset, partitionRows: [...partitionRows] };
  const spec = makeJobSpec({ ...overrides, ...data, engine: name, training });
  await new World({ store, graphs }).submit(spec, weights);
  const executorUrl = pathToFileURL(join(import.meta.dirname, "../fixtures/threads/no-tfjs-executor.js")).href;
  const cloud = LocalCloud.start({ home, threads: 2, memoryLimitMb: 512, likelyEngine: "compiled", executorUrl });
  await cloud.run(spec.job, { resumed: false, onEvent: () => undefined });
  await cloud.close();
  expect(await readResult(store, spec.job)).toMatchObject({ status });
  await rm(home, { recursive: true });
});
