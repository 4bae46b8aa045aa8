import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import {
  randomUint32,
  type Engine,
  type JobEvent,
  type JobResult,
  type JobSpec,
  type NamedTensors,
} from "@stampede/core";
import { FolderObjectStore, LocalCloud } from "@stampede/local";
import { createEngine, defineModel, planEngine, prepareTfjs, withSeededRandom } from "@stampede/runtime";
import { graphClaimsOf, readFailures, readResult, readRetries, type Graphs } from "@stampede/training";
import { train, type Optimizer } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

/** Whole batches and a short one in each. */
const partitionRows = [29, 27];

interface Compiled {
  readonly engine: Engine;
  readonly weights: NamedTensors;
  readonly graphs: Graphs;
  readonly overrides: Partial<Omit<JobSpec, "training">>;
}

/** A network with dropout, whose optimizer has as much to remember as it has slots. */
async function compiled(optimizer: Optimizer): Promise<Compiled> {
  const model = await withSeededRandom(1, async () => {
    const built = sequential({
      layers: [
        layers.dense({ name: "hidden", units: 5, activation: "relu", inputShape: [2] }),
        layers.dropout({ name: "drop", rate: 0.3 }),
        layers.dense({ name: "out", units: 1 }),
      ],
    });
    built.compile({ optimizer, loss: "meanSquaredError", metrics: ["mae"] });
    return built;
  });
  const { definition, weights } = defineModel(model);
  const { fields } = await storePartitions(new World().store, partitionRows);
  const plan = await planEngine({
    definition,
    purpose: "train",
    fields,
    batchSizes: [4, 3, 1],
    validates: true,
    cores: availableParallelism(),
    executors: 2,
  });
  if (plan.engine !== "compiled") throw new Error(plan.reason);
  const { compute, graphs } = plan;
  const overrides = { engine: "compiled", compute, graphs: graphClaimsOf(graphs), model: definition } as const;
  return { engine: await createEngine("compiled", compute), weights, graphs, overrides };
}

async function finished(
  { engine, weights, graphs, overrides }: Compiled,
  training: Partial<JobSpec["training"]>,
  options: WorldOptions = {},
): Promise<{ readonly result: JobResult | undefined; readonly continued: number }> {
  const world = new World({ ...options, engine, graphs });
  const { dataset } = await storePartitions(world.store, partitionRows);
  const validation = (await storePartitions(world.store, [7, 6])).dataset;
  const settings = { epochs: 2, batchSize: 4, seed: 5, backups: false, ...training };
  const spec = makeJobSpec({
    ...overrides,
    dataset,
    validation,
    partitionRows: [...partitionRows],
    training: settings,
  });
  await world.submit(spec, weights);
  const result = await world.run(spec);
  const continued = world.events.filter((event) => event.event === "task.retried" && event.why === "continued").length;
  return { result, continued };
}

describe("the compiled engine", () => {
  beforeAll(() => prepareTfjs());

  it.each([
    ["SGD", () => train.sgd(0.05)],
    ["momentum", () => train.momentum(0.02, 0.9)],
    ["Adam", () => train.adam(0.01)],
  ] as const)("ends in the same bits however its tasks are cut into invocations: %s", async (_, optimizer) => {
    const parts = await compiled(optimizer());
    for (const optimizerState of ["carried", "averaged", "reset"] as const) {
      for (const frequency of ["epoch", "fit"] as const) {
        const training = { optimizerState, frequency };
        const uncut = await finished(parts, training);
        expect(uncut).toMatchObject({ result: { status: "succeeded" }, continued: 0 });
        const { weightsSha256, metrics, validation } = uncut.result ?? {};
        for (const warm of [true, false]) {
          let draws = 0;
          const invocationMs = (): number => 3_500 + (randomUint32(7, (draws += 1)) % 2_000);
          const cut = await finished(parts, training, { warm, msPerLook: 100, invocationMs });
          expect(cut.result).toMatchObject({ status: "succeeded", weightsSha256, metrics, validation });
          expect(cut.continued).toBeGreaterThan(4);
        }
      }
    }
  });
});

describe("the embedded cloud", () => {
  it("goes on with tasks that take longer than one attempt may, to the same weights", async () => {
    await prepareTfjs();
    const model = await withSeededRandom(1, async () => {
      const built = sequential({ layers: [layers.dense({ name: "out", units: 1, inputShape: [2] })] });
      built.compile({ optimizer: "adam", loss: "meanSquaredError" });
      return built;
    });
    const { definition, weights } = defineModel(model);
    const run = async (taskTimeoutSeconds: number) => {
      const home = await mkdtemp(join(tmpdir(), "stampede-continued-"));
      const store = FolderObjectStore.open(home);
      const rows = [900, 900];
      const { dataset } = await storePartitions(store, rows);
      // Where the machine is so busy that an attempt does not come to its first batch, that one has failed.
      const training = { epochs: 1, batchSize: 1, taskTimeoutSeconds, maxAttempts: 20, backups: false };
      const spec = makeJobSpec({ dataset, partitionRows: rows, engine: "tfjs-cpu", model: definition, training });
      await new World({ store }).submit(spec, weights);
      const cloud = LocalCloud.start({ home, threads: 2, memoryLimitMb: 512 });
      const events: JobEvent[] = [];
      await cloud.run(spec.job, { resumed: false, onEvent: (event) => void events.push(event) });
      await cloud.close();
      const result = await readResult(store, spec.job);
      const stage = { kind: "train", round: 1 } as const;
      const retries = await readRetries(store, spec.job, stage);
      const failures = await readFailures(store, spec.job, stage);
      await rm(home, { recursive: true });
      return { result, events, failures, continued: retries.filter(({ why }) => why === "continued").length };
    };
    const generous = await run(900);
    expect(generous).toMatchObject({ result: { status: "succeeded" }, continued: 0 });
    const short = await run(1.5);
    expect(short.result).toMatchObject({
      status: "succeeded",
      weightsSha256: generous.result?.weightsSha256,
      metrics: generous.result?.metrics,
    });
    expect(short.continued).toBeGreaterThanOrEqual(2);
    const examples = short.events.flatMap((event) => (event.event === "task.finished" ? [event.examples] : []));
    expect(examples).toEqual([900, 900]);
  });
});
