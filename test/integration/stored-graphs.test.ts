import {
  keys,
  tensorOf,
  type Engine,
  type GraphName,
  type GraphRequest,
  type JobSpec,
  type NamedTensors,
} from "@stampede/core";
import { MemoryObjectStore, tinyEngine } from "@stampede/testing";
import { graphClaimsOf, type Graphs } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
const graph = (name: GraphName): Uint8Array => new TextEncoder().encode(`the graph ${name}`);
const graphs: Graphs = new Map(
  (["train-8", "train-1", "evaluate"] as const).map((name): [GraphName, Uint8Array] => [name, graph(name)]),
);

/** An engine that reads the graphs it needs, as the compiled one does, and then works without them. */
function readingEngine(requests: readonly GraphRequest[], read: string[] = []): Engine {
  return {
    name: "compiled",
    open: async (model, source) => {
      for (const request of requests) {
        const bytes = await source?.load(request);
        read.push(new TextDecoder().decode(bytes));
      }
      return tinyEngine.open(model);
    },
  };
}

const train = (batchSize: number): GraphRequest => ({ kind: "train", batchSize, fields: [] });

async function submitted(engine: Engine, claimed: Graphs = graphs): Promise<{ world: World; spec: JobSpec }> {
  const world = new World({ engine, graphs });
  const { dataset } = await storePartitions(world.store, [9, 9]);
  const spec = makeJobSpec({
    dataset,
    engine: "compiled",
    compute: { threads: 1, spinning: false },
    graphs: graphClaimsOf(claimed),
    partitionRows: [9, 9],
    training: { epochs: 1, batchSize: 8 },
  });
  await world.submit(spec, initial);
  return { world, spec };
}

describe("the graphs of a job", () => {
  it("reach its executors as they were stored", async () => {
    const read: string[] = [];
    const { world, spec } = await submitted(
      readingEngine([train(8), train(1), { kind: "evaluate", fields: [] }], read),
    );
    expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
    expect(new Set(read)).toEqual(new Set(["the graph train-8", "the graph train-1", "the graph evaluate"]));
  });

  it.each([
    {
      what: "flipped",
      damage: (bytes: Uint8Array) => bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte)),
      text: /SHA-256/,
    },
    { what: "cut short", damage: (bytes: Uint8Array) => bytes.subarray(1), text: /17 bytes; found 16/ },
  ])("that are $what end the job by name, and no second attempt is made", async ({ damage, text }) => {
    const { world, spec } = await submitted(readingEngine([train(8)]));
    const key = keys.graph(spec.job, "train-8");
    await world.store.delete(key);
    await world.store.create(key, damage(graph("train-8")));
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "graph.invalid", retryable: false } });
    expect(result?.error?.message).toContain(key);
    expect(result?.error?.message).toMatch(text);
    expect(world.started.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it.each([
    { what: "are gone", request: train(8), claimed: graphs, gone: true, text: "found no such object" },
    {
      what: "were never compiled",
      request: train(5),
      claimed: graphs,
      gone: false,
      text: "only train-8, train-1, evaluate",
    },
    { what: "are not claimed", request: train(8), claimed: new Map(), gone: false, text: "found no graphs there" },
  ])("that $what end the job by name", async ({ request, claimed, gone, text }) => {
    const { world, spec } = await submitted(readingEngine([request]), claimed);
    if (gone) await world.store.delete(keys.graph(spec.job, "train-8"));
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "graph.invalid" } });
    expect(result?.error?.message).toContain(text);
  });

  it("are there before the spec is, so that no job lacks them", async () => {
    const order: string[] = [];
    const store = new MemoryObjectStore();
    const create = store.create.bind(store);
    store.create = (key, body) => {
      order.push(key);
      return create(key, body);
    };
    const world = new World({ engine: readingEngine([]), graphs, store });
    const { dataset } = await storePartitions(store, [9, 9]);
    order.length = 0;
    await world.submit(
      makeJobSpec({ dataset, engine: "compiled", graphs: graphClaimsOf(graphs), partitionRows: [9, 9] }),
      initial,
    );
    expect(order.at(-1)).toBe(keys.spec(makeJobSpec().job));
    expect(order).toHaveLength(graphs.size + 3);
  });
});
