import { DatasetSpec, JobFile, parseInput } from "@stampede/core";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { thrown } from "./thrown.js";

const source = { code: "job-file.invalid", what: "job.yaml" } as const;
const idx = { format: "idx", features: { file: "x" }, labels: { file: "y", oneHot: 10 } };
const job = { name: "mnist", model: "./model.ts", data: { train: idx } };
const train = (value: unknown): unknown => ({ ...job, data: { train: value } });
const messageOf = (value: unknown, schema: z.ZodType = JobFile): string => {
  const error = thrown(() => parseInput(schema, value, source));
  expect(error.code).toBe("job-file.invalid");
  expect(error.isInputError).toBe(true);
  return error.message;
};

describe("parseInput", () => {
  it("fills in the defaults", () => {
    const parsed = parseInput(JobFile, job, source);
    expect(parsed.training).toMatchObject({ executors: 2, epochs: 1, batchSize: 32, frequency: "epoch" });
    expect(parsed.version).toBe(1);
  });

  it.each<[string, unknown, string]>([
    [
      "a misspelt name",
      { ...job, training: { epoch: 3 } },
      "unknown field training.epoch; did you mean training.epochs?",
    ],
    [
      "a name in the wrong place",
      { ...job, batchSize: 3 },
      "unknown field batchSize; did you mean training.batchSize?",
    ],
    [
      "a name in two other places",
      { ...job, training: { format: 1 }, format: "idx" },
      "unknown field format; the fields here are version, name, model, compile, data, training, engine",
    ],
    [
      "a name that means nothing",
      { ...job, xyzzy: 1 },
      "unknown field xyzzy; the fields here are version, name, model, compile, data, training, engine.",
    ],
    [
      "the name __proto__",
      JSON.parse(JSON.stringify(job).replace("{", '{"__proto__":1,')),
      "unknown field __proto__; the fields here are",
    ],
    ["a negative number", { ...job, training: { epochs: -1 } }, "training.epochs: expected at least 1, found -1."],
    [
      "a number that is too large",
      { ...job, data: { train: idx, validationSplit: 1 } },
      "data.validationSplit: expected less than 1, found 1.",
    ],
    ["a fraction", { ...job, training: { batchSize: 1.5 } }, "training.batchSize: expected a whole number, found 1.5."],
    [
      "text for a number",
      { ...job, training: { executors: "2" } },
      'training.executors: expected a number, found "2".',
    ],
    [
      "text for a switch",
      { ...job, training: { shuffle: "yes" } },
      'training.shuffle: expected true or false, found "yes".',
    ],
    ["NaN", { ...job, training: { seed: Number.NaN } }, "training.seed: expected a number, found NaN."],
    [
      "a misspelt choice",
      { ...job, training: { mode: "synchronus" } },
      'training.mode: expected "synchronous", found "synchronus"; did you mean "synchronous"?',
    ],
    [
      "a misspelt engine",
      { ...job, engine: "tfjs-wsam" },
      'engine: expected "compiled", "tfjs-node", "tfjs-wasm" or "tfjs-cpu", found "tfjs-wsam"; did you mean "tfjs-wasm"?',
    ],
    ["a missing field", { name: "a", data: { train: idx } }, "model is missing: expected text."],
    ["a missing object", { name: "a", model: "m", data: {} }, "data.train is missing: expected an object."],
    ["empty text", { ...job, name: "" }, 'name: expected text of at least 1 character, found "".'],
    [
      "text that is too long",
      { ...job, name: "n".repeat(201) },
      `name: expected text of at most 200 characters, found "${"n".repeat(79)}...`,
    ],
    ["nothing where an object belongs", { ...job, training: null }, "training: expected an object, found null."],
    ["a version of the future", { ...job, version: 2 }, "version: expected 1, found 2."],
    [
      "two settings that exclude each other",
      { ...job, data: { train: idx, validation: idx, validationSplit: 0.1 } },
      "data.validationSplit: give either validation or validationSplit, not both.",
    ],
    [
      "a missing format",
      train({ file: "a.csv" }),
      'data.train.format is missing: expected "csv", "idx", "npy", "npz" or "builtin".',
    ],
    [
      "an unknown format",
      train({ format: "cvs", file: "a.csv" }),
      'data.train.format: expected "csv", "idx", "npy", "npz" or "builtin", found "cvs"; did you mean "csv"?',
    ],
    [
      "a field of another format",
      train({ ...idx, delimiter: ";" }),
      "unknown field data.train.delimiter; the fields here are format, features, labels.",
    ],
    [
      "a field that belongs one level down",
      train({ ...idx, oneHot: 10 }),
      "unknown field data.train.oneHot; did you mean data.train.features.oneHot or data.train.labels.oneHot?",
    ],
    [
      "an unknown field of a selection",
      train({ ...idx, features: { file: "x", scal: 255 } }),
      "unknown field data.train.features.scal; did you mean data.train.features.scale?",
    ],
    [
      "an unknown field of a selection in a list",
      train({ ...idx, labels: [{ file: "x" }, { file: "y", onehot: 10 }] }),
      "unknown field data.train.labels[1].onehot; did you mean data.train.labels[1].oneHot?",
    ],
    [
      "a wrong value in a selection",
      train({ ...idx, features: { file: "x", scale: 0 } }),
      "data.train.features.scale: expected more than 0, found 0.",
    ],
    [
      "a wrong value in a list",
      train({ ...idx, features: { file: "x", shape: [28, 0] } }),
      "data.train.features.shape[1]: expected more than 0, found 0.",
    ],
    [
      "an empty list",
      train({ ...idx, features: [] }),
      "data.train.features: expected a list of at least 1 entry, found a list of 0.",
    ],
    [
      "text for a selection",
      train({ ...idx, features: "x.idx" }),
      'data.train.features: expected an object, or a list, found "x.idx".',
    ],
    [
      "a number for a file",
      train({ ...idx, features: { file: 7 } }),
      "data.train.features.file: expected text, or a list, found 7.",
    ],
    [
      "a choice of a union, misspelt",
      { ...job, training: { frequency: "epohc" } },
      'training.frequency: expected "epoch", "fit" or "batch", found "epohc"; did you mean "epoch"?',
    ],
    [
      "no branch of a union",
      { ...job, training: { frequency: 3 } },
      'training.frequency: expected "epoch", "fit" or "batch", or an object, found 3.',
    ],
    [
      "the object of a union, too small",
      { ...job, training: { frequency: { steps: 0 } } },
      "training.frequency.steps: expected at least 1, found 0.",
    ],
    [
      "the object of a union, without its name",
      { ...job, compile: { loss: "a", optimizer: { learningRate: 1 } } },
      "compile.optimizer.name is missing: expected text.",
    ],
    [
      "a missing union",
      { ...job, compile: { optimizer: "sgd" } },
      "compile.loss is missing: expected text, or a list, or an object.",
    ],
  ])("explains %s", (_, value, expected) => {
    expect(messageOf(value)).toContain(expected);
  });

  it("says one problem in one line", () => {
    expect(messageOf({ ...job, training: { epochs: 0 } })).toBe(
      "job.yaml is not valid: training.epochs: expected at least 1, found 0. Nothing was started.",
    );
    expect(messageOf({ ...job, modle: 1 })).toBe(
      "job.yaml is not valid: unknown field modle; did you mean model? Nothing was started.",
    );
  });

  it.each([undefined, null, "text", 7, []])("wants an object, not %j", (value) => {
    expect(messageOf(value)).toMatch(/^job\.yaml is not valid: expected an object, found .+\. Nothing was started\.$/);
  });

  it("lists several problems with their places", () => {
    const place = (path: readonly PropertyKey[]): string | undefined =>
      path[0] === "name" ? undefined : `job.yaml:${path.length}:1`;
    const value = { ...job, name: 1, training: { epoch: 3, frequency: { step: 1 } } };
    const error = thrown(() => parseInput(JobFile, value, { ...source, place }));
    expect(error.message.split("\n")).toEqual([
      "job.yaml is not valid, 4 problems. Nothing was started.",
      "  name: expected text, found 1",
      "  job.yaml:3:1: training.frequency.steps is missing: expected a number",
      "  job.yaml:3:1: unknown field training.frequency.step; did you mean training.frequency.steps?",
      "  job.yaml:2:1: unknown field training.epoch; did you mean training.epochs?",
    ]);
    expect(error.details).toEqual({ what: "job.yaml", problems: 4, field: "name" });
  });

  it("shows at most 20 problems", () => {
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`zzzzzzzzzzzz${i}`, 1]));
    const lines = messageOf({ ...job, ...many }).split("\n");
    expect(lines[0]).toBe("job.yaml is not valid, 25 problems. Nothing was started.");
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("  ... and 5 more");
  });

  it("works on any schema, with any code", () => {
    const error = thrown(() =>
      parseInput(DatasetSpec, { format: "npz" }, { code: "option.invalid", what: "the data" }),
    );
    expect(error.code).toBe("option.invalid");
    expect(error.message).toBe("the data is not valid: file is missing: expected text. Nothing was started.");
    const even = z.strictObject({
      size: z.number().multipleOf(2),
      tags: z.record(z.string().max(2), z.strictObject({ id: z.uuid() })),
    });
    expect(
      messageOf({ size: 3, tags: { a: { id: "x", idd: 1 } } }, even)
        .split("\n")
        .slice(1),
    ).toEqual([
      "  size: expected a multiple of 2, found 3",
      expect.stringContaining("  tags.a.id: expected text like /^"),
      "  unknown field tags.a.idd; did you mean tags.a.id?",
    ]);
    expect(messageOf({ size: 2, tags: { abc: { id: "" } } }, even)).toContain("tags.abc: expected another name");
  });
});
