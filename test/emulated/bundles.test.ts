import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleBytes } from "../../infra/bundles.js";
import { packageFunctions, type Packages, type PackagedFunction } from "../../infra/emulated/package-function.js";
import { functionNames, functions } from "../../infra/resources.js";

const run = promisify(execFile);
const mib = 2 ** 20;
/** Limits of Lambda: 250 MB unpacked, 50 MB zipped when it is sent with the request; ours for what has to start fast. */
const unpackedLimit = 250 * mib;
const zipLimit = 30 * mib;

let built: Packages;
let elsewhere: string;
beforeAll(async () => {
  built = await packageFunctions();
  elsewhere = await mkdtemp(join(tmpdir(), "stampede-bundles-"));
  return () => rm(elsewhere, { recursive: true });
});

describe("what is deployed", () => {
  it("is every function of the table", () => {
    expect(built.functions.map(({ name }) => name).toSorted()).toEqual(Object.keys(functions).toSorted());
  });

  it.each(functionNames)("keeps %s far below the limits of Lambda", async (name) => {
    const { folder, zip } = find(name);
    const unpacked = await bundleBytes(folder);
    process.stdout.write(
      `${name}: ${(zip.length / mib).toFixed(2)} MiB zipped, ${(unpacked / mib).toFixed(1)} unpacked\n`,
    );
    expect(zip.length).toBeLessThan(zipLimit);
    expect(unpacked).toBeLessThan(unpackedLimit);
  });

  it.each(functionNames)("loads %s where there is no repository", async (name) => {
    const folder = join(elsewhere, name);
    await cp(find(name).folder, folder, { recursive: true });
    const { stdout } = await loadIn(
      folder,
      // As Lambda's own runtime does, for the one whose answers are streamed.
      `globalThis.awslambda = { streamifyResponse: (handler) => handler };
      import("./index.js").then((module) => console.log(typeof module.handler))`,
    );
    expect(stdout.trim()).toBe("function");
  });

  it("trains on onnxruntime and on every TensorFlow.js of the executor where there is no repository", async () => {
    const folder = join(elsewhere, "executor-engines");
    await cp(find("executor").folder, folder, { recursive: true });
    const script = `
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      const tf = require("@tensorflow/tfjs-core");
      const wasm = require("@tensorflow/tfjs-backend-wasm");
      wasm.setWasmPaths(require.resolve("@tensorflow/tfjs-backend-wasm").replace(/index.js$/, ""));
      await tf.setBackend("wasm");
      require("@tensorflow/tfjs-backend-cpu");
      const layers = require("@tensorflow/tfjs-layers");
      const model = layers.sequential({ layers: [layers.layers.dense({ units: 1, inputShape: [2] })] });
      const { InferenceSession } = require("onnxruntime-node");
      console.log(tf.getBackend(), model.countParams(), typeof InferenceSession.create);`;
    const { stdout } = await loadIn(folder, script);
    expect(stdout.trim()).toBe("wasm 3 function");
  });

  it("has the program of the Batch container, which says what it misses", async () => {
    await expect(run(process.execPath, [join(built.batchFolder, "index.js")], { env: {} })).rejects.toMatchObject({
      code: 1,
    });
  });
});

function find(name: string): PackagedFunction {
  const found = built.functions.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no bundle of ${name}`);
  return found;
}

function loadIn(folder: string, script: string): Promise<{ stdout: string }> {
  const env = {
    PATH: process.env["PATH"],
    AWS_REGION: "us-east-1",
    ORT_DISABLE_TELEMETRY: "1",
    STAMPEDE_BUCKET: "jobs",
    STAMPEDE_DRIVER_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/123456789012/driver",
  };
  return run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder, env });
}
