import { mkdirSync, writeFileSync } from "node:fs";
import { graphNameOf } from "@stampede/core";
import { createEngine, createGraphCompiler, planEngine } from "@stampede/runtime";
import "../../support/encoder-layer.js";
import { graphFile, graphsFolder, readCase } from "../steps/case-files.js";
import type { Compiled } from "./compile.js";

/** The process that compiles the case in a folder, whose path is its argument: how large and how fast that is, and the graphs for those who train. */
const [folder = ""] = process.argv.slice(2);
const openings = 3;

const stored = readCase(folder);
const { definition, data, batchSize, weights } = stored;
const fields = data.fields.map(({ field }) => field);

async function store(): Promise<number> {
  const plan = await planEngine({
    definition,
    wanted: "compiled",
    purpose: "train",
    fields,
    batchSizes: [batchSize],
    cores: 1,
    executors: 1,
  });
  if (plan.engine !== "compiled") throw new Error(`the engine ${plan.engine}`);
  mkdirSync(graphsFolder(folder), { recursive: true });
  for (const [name, bytes] of plan.graphs) writeFileSync(graphFile(folder, name), bytes);
  return Math.max(...[...plan.graphs.values()].map(({ length }) => length));
}

/** Milliseconds from a model to a graph that is ready to run: trace, encode and open. */
async function opening(): Promise<number> {
  const compiler = await createGraphCompiler(definition);
  const engine = await createEngine("compiled");
  const made = new Map<string, Uint8Array>();
  let compileMs = 0;
  const session = await engine.open(definition, {
    load: async (request) => {
      const began = performance.now();
      const name = graphNameOf(request);
      const bytes = made.get(name) ?? (await compiler.load(request));
      made.set(name, bytes);
      compileMs += performance.now() - began;
      return bytes;
    },
  });
  await session.load(weights);
  const step = async (): Promise<number> => {
    const began = performance.now();
    const order = Uint32Array.from({ length: batchSize }, (_, row) => row);
    await session.train({ data, order, batchSize, randomKey: 1, fromBatch: 0, toBatch: 1 });
    return performance.now() - began;
  };
  // What the first step takes longer than others is compiling and opening.
  const first = await step();
  const others = [await step(), await step()];
  session.close();
  compiler.dispose();
  return Math.max(compileMs, first - Math.min(...others));
}

const bytes = await store();
const readyMs: number[] = [];
for (let i = 0; i < openings; i += 1) readyMs.push(await opening());
const result: Compiled = { bytes, readyMs };
process.stdout.write(JSON.stringify(result));
