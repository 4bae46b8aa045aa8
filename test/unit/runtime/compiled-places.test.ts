import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { hashTensors, type GraphRequest } from "@stampede/core";
import { createEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  classRows,
  fieldsOf,
  noisyClassifier,
  storedGraphs,
  using,
  wholeEpoch,
} from "../../support/compiled-models.js";
import { useCpu } from "./models.js";

useCpu();

const run = promisify(execFile);
const data = classRows(300);
const fields = fieldsOf(data);
const requests: readonly GraphRequest[] = [
  { kind: "train", batchSize: 16, fields },
  { kind: "train", batchSize: 12, fields },
  { kind: "evaluate", fields },
  { kind: "predict", fields: fields.slice(0, 1) },
];

/** A job in a file: what an executor is given. */
let file = "";
let bits = "";

beforeAll(async () => {
  const model = defineModel(noisyClassifier(tf.train.adam(0.01)));
  const { bytes } = await storedGraphs(model.definition, requests);
  const request = wholeEpoch(data, 16);
  const session = await (await createEngine("compiled")).open(model.definition);
  bits = await using(session, async () => {
    await session.load(model.weights);
    await session.train(request);
    const { weights, optimizer } = await session.save();
    return `${hashTensors(weights)} ${hashTensors(optimizer)}`;
  });
  const job = {
    definition: model.definition,
    weights: [...model.weights].map(([name, { shape, data: values }]) => [name, shape, [...values]]),
    graphs: [...bytes].map(([name, graph]) => [name, Buffer.from(graph).toString("base64")]),
    fields: data.fields.map(({ field, tensor }) => [field, tensor.shape, [...tensor.data]]),
    order: [...request.order],
  };
  file = join(mkdtempSync(join(tmpdir(), "compiled-")), "job.json");
  writeFileSync(file, JSON.stringify(job));
});

/** Trains, evaluates and predicts with stored graphs; leaves the bits of the state in `bits`. */
const executor = (job: string): string => `
  import { readFileSync } from "node:fs";
  import { hashTensors, tensorOf } from "@stampede/core";
  import { graphNamesFor } from "@stampede/core";
  import { createEngine } from "@stampede/runtime";
  const job = JSON.parse(readFileSync(${JSON.stringify(job)}, "utf8"));
  const graphs = new Map(job.graphs.map(([name, text]) => [name, Buffer.from(text, "base64")]));
  const engine = await createEngine("compiled");
  const session = await engine.open(job.definition, { load: async (request) => graphs.get(graphNamesFor(request).find((name) => graphs.has(name))) });
  await session.load(new Map(job.weights.map(([name, shape, values]) => [name, tensorOf(Float32Array.from(values), shape)])));
  const fields = job.fields.map(([field, shape, values]) => ({ field, tensor: tensorOf(Uint8Array.from(values), shape) }));
  const data = { rows: 300, fields };
  const order = Uint32Array.from(job.order);
  const train = (fromBatch, toBatch) => session.train({ data, order, batchSize: 16, fromBatch, toBatch, randomKey: 11 });
  for (const [from, to] of [[0, 1], [1, 2], [2, 18], [18, 19]]) await train(from, to);
  const { weights, optimizer } = await session.save();
  const bits = hashTensors(weights) + " " + hashTensors(optimizer);
  await session.evaluate({ data, batchSize: 16, fromRow: 0, toRow: 300 });
  await session.predict({ data, batchSize: 16, fromRow: 0, toRow: 300 });
  session.close();
`;

describe("an executor", () => {
  it("computes the same bits in a process of its own, in four calls, without tfjs and without the tracer", async () => {
    const loaded = join(file, "..", "loaded.txt");
    writeFileSync(loaded, "");
    const hooks = `
      import { appendFileSync } from "node:fs";
      export async function load(url, context, next) {
        appendFileSync(${JSON.stringify(loaded)}, url + "\\n");
        return next(url, context);
      }`;
    const register = `
      import { createRequire, register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));
      const { cache } = createRequire(${JSON.stringify(import.meta.url)});`;
    const program = `${register}
      await import("data:text/javascript," + encodeURIComponent(""));
      ${executor(file).replaceAll(/import (\{[^}]*\}) from ("[^"]*");/g, "const $1 = await import($2);")}
      process.stdout.write(JSON.stringify({ bits, required: Object.keys(cache) }));`;
    const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "--eval", program]);
    expect(stderr).toBe("");
    const { bits: found, required } = JSON.parse(stdout) as { bits: string; required: string[] };
    expect(found).toBe(bits);
    const urls = readFileSync(loaded, "utf8").split("\n");
    // What proves that the list is one: these are loaded.
    expect(urls.some((url) => url.includes("packages/graph/dist/format/"))).toBe(true);
    expect(required.some((path) => path.includes("onnxruntime"))).toBe(true);
    const tracer = ["/build/", "/trace/", "/kernels/", "/passes/", "/ir/"].map((part) => `packages/graph/dist${part}`);
    for (const part of [...tracer, "@tensorflow", "graph-compiler"]) {
      expect([...urls, ...required].filter((path) => path.includes(part))).toEqual([]);
    }
  });

  it("computes the same bits in two threads at once", async () => {
    const program = `${executor(file)}
      import { parentPort } from "node:worker_threads";
      parentPort.postMessage(bits);`;
    // A module of its own beside this one, so that it finds the packages.
    const root = createRequire(import.meta.url).resolve("@stampede/runtime");
    const inThread = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const source = `data:text/javascript,${encodeURIComponent(withPaths(program, root))}`;
        const worker = new Worker(new URL(source));
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    expect(await Promise.all([inThread(), inThread()])).toEqual([bits, bits]);
  });
});

/** Modules that are data have no folder: packages are named by their files. */
function withPaths(program: string, runtime: string): string {
  const core = createRequire(runtime).resolve("@stampede/core");
  return program
    .replace('"@stampede/runtime"', JSON.stringify(pathToFileURL(runtime).href))
    .replaceAll('"@stampede/core"', JSON.stringify(pathToFileURL(core).href));
}
