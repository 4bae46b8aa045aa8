import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { smallModel } from "./models.js";

const run = promisify(execFile);

/** What a fresh process prints and ends with; the program is an ES module in the repository's root. */
async function runFresh(program: string): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, ["--input-type=module", "--eval", program]);
}

describe("in one thread", () => {
  it("gives the same engine again, also while it starts", async () => {
    const [first, second] = await Promise.all([createEngine("tfjs-cpu"), createEngine("tfjs-cpu")]);
    expect(first).toBe(second);
    expect(first.name).toBe("tfjs-cpu");
  });

  it("refuses a second kind, because tfjs has one backend a thread", async () => {
    await createEngine("tfjs-cpu");
    await expect(createEngine("tfjs-wasm")).rejects.toMatchObject({ code: "engine.unavailable" });
    await expect(createEngine("tfjs-wasm")).rejects.toThrow("this thread already runs tfjs-cpu");
  });

  it("has the compiled engine beside it, as often as it is asked for", async () => {
    await createEngine("tfjs-cpu");
    const engines = [await createEngine("compiled"), await createEngine("compiled", { threads: 2, spinning: true })];
    expect(engines.map(({ name }) => name)).toEqual(["compiled", "compiled"]);
    expect(tf.getBackend()).toBe("cpu");
  });

  it("notices when somebody else changed the backend", async () => {
    const engine = await createEngine("tfjs-cpu");
    const { definition, weights } = defineModel(smallModel());
    const session = await engine.open(definition);
    tf.registerBackend("other", () => tf.findBackend("cpu"));
    await tf.setBackend("other");
    await expect(session.load(weights)).rejects.toThrow("its backend was changed to other");
    await tf.setBackend("cpu");
    await session.load(weights);
    session.close();
  });
});

describe("in a process of its own", () => {
  it.each(["tfjs-cpu", "tfjs-wasm", "compiled"])(
    "prints nothing and leaves the process's handlers alone: %s",
    async (name) => {
      const program = `
      import { createEngine, modelFromJson } from "@stampede/runtime";
      const before = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
      const engine = await createEngine("${name}");
      const layers = [{ class_name: "LSTM", config: { name: "l", units: 24, batch_input_shape: [null, 2, 1],
        kernel_initializer: { class_name: "Orthogonal", config: {} } } }];
      const json = { modelTopology: { class_name: "Sequential", config: { name: "m", layers } } };
      const compile = { optimizer: "adam", loss: "meanSquaredError", metrics: [] };
      const { definition, weights } = await modelFromJson(json, { compile });
      const session = await engine.open(definition);
      await session.load(weights);
      const column = (name, role, shape) => ({
        field: { name, role, storage: "float32", storedShape: shape, shape,
          encoding: { kind: "affine", subtract: [0], divide: [1] } },
        tensor: { dtype: "float32", shape: [1, ...shape], data: new Float32Array(shape[0]) },
      });
      const data = { rows: 1, fields: [column("x", "feature", [2, 1]), column("y", "label", [24])] };
      await session.predict({ data, batchSize: 1, fromRow: 0, toRow: 1 });
      session.close();
      const after = ["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event));
      process.exitCode = before.join() === after.join() ? 0 : 1;
    `;
      expect(await runFresh(program)).toEqual({ stdout: "", stderr: "" });
    },
  );

  it("does not load tfjs when it is only imported", async () => {
    const program = `
      import { createRequire } from "node:module";
      await import("@stampede/runtime");
      const loaded = Object.keys(createRequire(import.meta.url).cache ?? {});
      process.stdout.write(String(loaded.filter((path) => path.includes("tensorflow")).length));
    `.replace("import.meta.url", JSON.stringify(import.meta.url));
    expect((await runFresh(program)).stdout).toBe("0");
  });
});
