import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { eventsOf, lastEvent, Run, succeeded } from "./support/cli.js";
import { changed, customModel, pointsJob, Workshop } from "./support/workshop.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
});
afterAll(() => workshop.close());

const withTest = changed((job) => {
  job.data.validation = { ...job.data.train, file: "test.csv" };
  job.training["epochs"] = 8;
});

describe("train, evaluate, predict", () => {
  it("trains, saves, and says so in JSON lines and in words", async () => {
    await workshop.job("job.yaml", withTest);
    const ended = await workshop.run("train", "job.yaml", "--out", "trained");
    const outcome = succeeded(ended);
    const events = eventsOf(ended.stdout);
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["data.ready", "job.submitted", "round.started"]),
    );
    const submitted = events.find(({ event }) => event === "job.submitted");
    expect(submitted).toMatchObject({ engine: "compiled" });
    expect(submitted).not.toHaveProperty("engineReason");
    expect(ended.stderr).toMatch(/, engine compiled, 2 executors\n/);
    expect(events.filter(({ event }) => event === "round.finished")).toHaveLength(8);
    expect(events.filter(({ event }) => event === "job.succeeded")).toHaveLength(1);
    expect(new Set(events.map((event) => event.job))).toEqual(new Set([outcome.job]));
    expect(outcome).toMatchObject({ rounds: 8, executors: 2 });
    expect(outcome.validation?.["accuracy"]).toBeGreaterThan(0.9);
    expect(outcome.modelPath).toBe(workshop.path("trained/model"));
    expect(await readdir(workshop.path("trained/model"))).toEqual(
      expect.arrayContaining(["model.json", "stampede.json"]),
    );
    expect(ended.stderr).toContain(
      "limits: a task 15 min, 3 attempts, silent after 1 min, slow tasks are backed up; the job: none",
    );
    expect(ended.stderr).toMatch(/^Test accuracy \d\.\d{4} \(24 rows\), loss/m);
    expect(ended.stderr).toContain("stampede evaluate trained/model --data DATA.yaml");
  });

  it("evaluates the saved model to the same figures, with any number of executors", async () => {
    const trained = succeeded(await workshop.run("train", "job.yaml", "--out", "evaluated"));
    await workshop.job("test.yaml", { file: "test.csv" });
    for (const executors of ["1", "3"]) {
      const outcome = succeeded(
        await workshop.run("evaluate", "evaluated/model", "--data", "test.yaml", "--executors", executors, "--json"),
      );
      expect(outcome.executors).toBe(Number(executors));
      expect(outcome.metrics["accuracy"]).toBe(trained.validation?.["accuracy"]);
      expect(outcome.metrics["loss"]).toBeCloseTo(trained.validation?.["loss"] ?? Number.NaN, 5);
    }
  });

  it("predicts every row in its place, and replaces a file only when told to", async () => {
    succeeded(await workshop.run("train", "job.yaml", "--out", "predicting"));
    await workshop.job("test.yaml", { file: "test.csv" });
    const words = [
      "predict",
      "predicting/model",
      "--data",
      "test.yaml",
      "--executors",
      "3",
      "--out",
      "predictions.csv",
    ];
    const outcome = succeeded(await workshop.run(...words));
    expect(outcome.outputPath).toBe(workshop.path("predictions.csv"));
    const predicted = (await readFile(workshop.path("predictions.csv"), "utf8")).trim().split("\n").slice(1);
    const sides = (await readFile(workshop.path("test.csv"), "utf8"))
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.at(-1));
    expect(predicted).toHaveLength(sides.length);
    const again = await workshop.run(...words);
    expect(again.code).toBe(2);
    expect(lastEvent(again)).toMatchObject({ event: "job.failed", code: "output.exists" });
    succeeded(await workshop.run(...words, "--overwrite"));
  });

  it("refuses to write over a trained model unless told to", async () => {
    succeeded(await workshop.run("train", "job.yaml", "--set", "training.epochs=1", "--out", "twice"));
    const again = await workshop.run("train", "job.yaml", "--set", "training.epochs=1", "--out", "twice");
    expect(again.code).toBe(2);
    expect(lastEvent(again)).toMatchObject({ event: "job.failed", code: "model.exists" });
    succeeded(await workshop.run("train", "job.yaml", "--set", "training.epochs=1", "--out", "twice", "--overwrite"));
  });
});

describe("the job file", () => {
  it("is overridden by --set and --executors", async () => {
    await workshop.job("set.yaml", pointsJob);
    const outcome = succeeded(
      await workshop.run(
        "train",
        "set.yaml",
        "--set",
        "training.epochs=2",
        "--set",
        "training.executors=1",
        "--executors",
        "3",
      ),
    );
    expect(outcome).toMatchObject({ rounds: 2, executors: 3 });
    expect(outcome.modelPath).toBe(workshop.path(`stampede-out/${outcome.job}/model`));
  });

  it("gives the same weights every time, others with another seed", async () => {
    await workshop.job("same.yaml", pointsJob);
    const hashes = [];
    for (const seed of [11, 11, 12]) {
      hashes.push(succeeded(await workshop.run("train", "same.yaml", "--set", `training.seed=${seed}`)).weightsSha256);
    }
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it("names a TypeScript module, in a folder that says nothing of modules too", async () => {
    const text = `import * as tf from "@tensorflow/tfjs-layers";
import { units } from "./settings.ts";
enum Activation { Hidden = "relu" }
export default async (): Promise<tf.LayersModel> => {
  const model = tf.sequential();
  model.add(tf.layers.dense({ units, activation: Activation.Hidden, inputShape: [2] }));
  model.add(tf.layers.dense({ units: 2, activation: "softmax" }));
  model.compile({ optimizer: "sgd", loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  console.log("a word of the user's");
  return model;
};
`;
    for (const folder of ["untyped", "module"]) {
      await workshop.write(`${folder}/model.ts`, text);
      await workshop.write(`${folder}/settings.ts`, "export const units: number = 4;\n");
      if (folder === "module") await workshop.write("module/package.json", '{ "type": "module" }');
      await workshop.job(
        `${folder}/job.yaml`,
        changed((job) => {
          job.model = "./model.ts";
          job.data.train["file"] = "../points.csv";
        }),
      );
      const ended = await workshop.run("train", `${folder}/job.yaml`);
      expect(succeeded(ended).rounds).toBe(3);
      expect(ended.stderr).toContain("a word of the user's");
    }
  });
});

it.each([
  ["await outside of functions", "const { units } = await Promise.resolve({ units: 4 as number });", ""],
  ["an import while the model is built", "", 'const { units } = await import("./settings.ts");'],
])("reads TypeScript with %s, which only ES modules can hold", async (_, outside, inside) => {
  const text = `import * as tf from "@tensorflow/tfjs-layers";
${outside}
export default async (): Promise<tf.LayersModel> => {
  ${inside}
  const model = tf.sequential();
  model.add(tf.layers.dense({ units, activation: "relu", inputShape: [2] }));
  model.add(tf.layers.dense({ units: 2, activation: "softmax" }));
  model.compile({ optimizer: "sgd", loss: "categoricalCrossentropy" });
  return model;
};
`;
  await workshop.write("modern/package.json", '{ "type": "module" }');
  await workshop.write("modern/settings.ts", "export const units: number = 4;\n");
  await workshop.write("modern/model.ts", text);
  const job = changed((draft) => {
    draft.model = "./model.ts";
    draft.data.train["file"] = "../points.csv";
  });
  expect(succeeded(await workshop.run("train", await workshop.job("modern/job.yaml", job))).rounds).toBe(3);
});

it("runs a layer and a loss of the user's own, and the saved model without them", async () => {
  await workshop.write("custom.mjs", customModel());
  const job = changed((draft) => {
    draft.model = "./custom.mjs";
    draft.data.validation = { ...draft.data.train, file: "test.csv" };
    draft.training["epochs"] = 12;
  });
  const trained = succeeded(await workshop.run("train", await workshop.job("custom.yaml", job), "--out", "custom"));
  expect(trained.validation?.["accuracy"]).toBeGreaterThan(0.9);
  await workshop.job("test.yaml", { file: "test.csv" });
  const evaluated = succeeded(
    await workshop.run("evaluate", "custom/model", "--data", "test.yaml", "--executors", "3"),
  );
  expect(evaluated.metrics["accuracy"]).toBe(trained.validation?.["accuracy"]);
  expect(evaluated.metrics["loss"]).toBeCloseTo(trained.validation?.["loss"] ?? Number.NaN, 5);
  const predicted = await workshop.run("predict", "custom/model", "--data", "test.yaml", "--out", "custom.csv");
  expect(succeeded(predicted).outputPath).toBe(workshop.path("custom.csv"));
  // Without its graphs the model needs the code that it was defined with.
  const notes = JSON.parse(await readFile(workshop.path("custom/model/stampede.json"), "utf8")) as object;
  await workshop.write("custom/model/stampede.json", JSON.stringify({ ...notes, graphs: undefined, files: undefined }));
  const refused = await workshop.run("evaluate", "custom/model", "--data", "test.yaml");
  expect(refused.code).toBe(2);
  expect(lastEvent(refused)).toMatchObject({ event: "job.failed", code: "model.unsupported" });
  expect(refused.stderr).toMatch(/Scaling|crossEntropy/);
});

it("trains the digits example to more than 95 %", async () => {
  const examples = join(import.meta.dirname, "../../packages/examples");
  const run = new Run(["train", "digits/job.yaml", "--out", workshop.path("digits")], {
    cwd: examples,
    home: workshop.home,
  });
  const outcome = succeeded(await run.ended);
  expect(outcome.validation?.["accuracy"]).toBeGreaterThan(0.95);
});
