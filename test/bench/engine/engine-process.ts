import { EngineName, permutation, type Engine, type EngineSession } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import * as z from "zod";
import "../../support/encoder-layer.js";
import { readCase, readGraphs, type StoredCase } from "../steps/case-files.js";
import { batchesPerCall } from "../steps/cases.js";
import type { Task } from "../steps/orders.js";
import { serve, type Opened } from "../steps/serve.js";

/** A participant: the process of one engine. Arguments are its name and, for `compiled`, how many threads it has. */
const [name = "", threads] = process.argv.slice(2);

const seeds = { order: 5, batches: 6 } as const;

function engineOf(): Promise<Engine> {
  if (threads === undefined) return createEngine(EngineName.parse(name));
  const count = z.coerce.number().parse(threads);
  // A benchmark has the cores for itself; and PyTorch's threads spin as well.
  return createEngine(EngineName.parse(name), { threads: count, spinning: count > 1 });
}

const engine = engineOf();

async function open(task: Task): Promise<Opened> {
  if (task.kind === "gemm") throw new Error("an engine multiplies no matrices");
  const stored = readCase(task.folder);
  const session = await (await engine).open(stored.definition, readGraphs(task.folder));
  await session.load(stored.weights);
  const run = task.kind === "train" ? trainer(session, stored) : predictor(session, stored, task.rows);
  return { run, close: () => session.close() };
}

await serve(open, () => engine);

/** Goes through the rows again and again, in an order of chance. */
function trainer(session: EngineSession, { data, batchSize }: StoredCase): Opened["run"] {
  const order = permutation(data.rows, seeds.order);
  const batches = data.rows / batchSize;
  let next = 0;
  return async (steps) => {
    for (let left = steps; left > 0;) {
      const count = Math.min(left, batchesPerCall, batches - next);
      const range = { fromBatch: next, toBatch: next + count };
      await session.train({ data, order, batchSize, randomKey: seeds.batches, ...range });
      next = (next + count) % batches;
      left -= count;
    }
  };
}

function predictor(session: EngineSession, { data }: StoredCase, batchSize: number): Opened["run"] {
  const rows = { rows: data.rows, fields: data.fields.filter(({ field }) => field.role === "feature") };
  const last = data.rows - batchSize;
  let next = 0;
  return async (steps) => {
    for (let step = 0; step < steps; step += 1) {
      await session.predict({ data: rows, batchSize, fromRow: next, toRow: next + batchSize });
      next = next + batchSize > last ? 0 : next + batchSize;
    }
  };
}
