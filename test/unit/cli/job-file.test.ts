import { parseJobFile, parseOverride, parseYaml } from "@stampede/cli";
import type { JobFile } from "@stampede/core";
import { expect, it } from "vitest";

const file = `name: points
model: ./model.ts
data:
  train:
    format: csv
    file: points.csv
    features: { columns: [x, y] }
training:
  epochs: 3
`;
const parse = (text: string, ...options: string[]): JobFile =>
  parseJobFile(
    parseYaml(text, "job.yaml"),
    options.map((option) => parseOverride("--set", option)),
  );
const invalid = (...parts: string[]) =>
  expect.objectContaining({ code: "job-file.invalid", message: expect.stringMatching(parts.map(escaped).join(".*")) });
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

it("fills in the defaults", () => {
  expect(parse(file, "training.batchSize=64").training).toEqual({
    executors: 2,
    batchExecutors: 0,
    checkpointSeconds: 300,
    epochs: 3,
    batchSize: 64,
    mode: "synchronous",
    frequency: "epoch",
    seed: 0,
    shuffle: true,
    optimizerState: "carried",
    maxAttempts: 3,
    backups: true,
    quorum: 1,
    graceSeconds: 60,
    lateDeltas: "discard",
    heartbeatTimeoutSeconds: 60,
    taskTimeoutSeconds: 900,
  });
});

it.each([
  [
    "an unknown field",
    file.replace("epochs", "epoch"),
    "job.yaml:9:3: unknown field training.epoch",
    "training.epochs",
  ],
  ["a value of the wrong type", file.replace("3", "many"), "job.yaml:9:3: training.epochs", '"many"'],
  ["an unknown format", file.replace("format: csv", "format: cvs"), "job.yaml:5:5: data.train.format", '"csv"'],
  ["a missing field", file.replace("name: points\n", ""), "job.yaml:1:1: name is missing"],
  ["a list", "- 1", "job.yaml:1:1: expected an object, found a list of 1"],
  ["nothing", "", "job.yaml:1:1: expected an object"],
])("names place and remedy of %s", (_, text, ...parts) => {
  expect(() => parse(text)).toThrow(invalid(...parts));
});

it("names the option where that is at fault", () => {
  expect(() => parse(file, "training.epoch=4")).toThrow(
    invalid("--set training.epoch=4: unknown field", "training.epochs"),
  );
  expect(() => parse(file, "training.epochs=0")).toThrow(
    invalid("--set training.epochs=0: training.epochs", "at least 1"),
  );
  expect(() => parse(file, "training={ epochs: -1 }")).toThrow(
    invalid("--set training={ epochs: -1 }: training.epochs"),
  );
});

it("blames the file for what the options did not touch", () => {
  expect(() => parse(file.replace("3", "-3"), "training.seed=4")).toThrow(invalid("job.yaml:9:3: training.epochs"));
});
