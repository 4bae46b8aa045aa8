import { access } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventsOf, lastEvent, type Ended } from "./support/cli.js";
import { changed, customModel, model, points, pointsJob, Workshop, type JobDraft } from "./support/workshop.js";

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
});
afterAll(() => workshop.close());

/** Every refusal: exit code 2, one JSON line with the code, the same in words, and no job and no output left behind. */
async function expectRefused(ended: Ended, code: string, ...parts: readonly string[]): Promise<void> {
  expect({ code: ended.code, last: lastEvent(ended) }, ended.stderr).toMatchObject({
    code: 2,
    last: { event: "job.failed", code },
  });
  expect(eventsOf(ended.stdout).some(({ event }) => event === "job.submitted")).toBe(false);
  expect(ended.stderr).toContain(`error ${code}: `);
  expect(ended.stderr).toContain("what to do: ");
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  for (const part of parts) expect(ended.stderr).toContain(part);
  await expect(access(workshop.path("stampede-out"))).rejects.toThrow("ENOENT");
}

/** By a process of its own: one of each kind of input. The others are refused in this process, which shows the same. */
async function refused(words: readonly string[], code: string, ...parts: readonly string[]): Promise<void> {
  await expectRefused(await workshop.run(...words), code, ...parts);
}

async function refusedHere(words: readonly string[], code: string, ...parts: readonly string[]): Promise<void> {
  await expectRefused(await workshop.runHere(...words), code, ...parts);
}

async function refusedJob(name: string, job: object, code: string, ...parts: readonly string[]): Promise<void> {
  await refusedHere(["train", await workshop.job(`${name}.yaml`, job)], code, ...parts);
}

const withCsv = async (name: string, text: string, change: (job: JobDraft) => void = () => undefined) => {
  await workshop.write(`${name}.csv`, text);
  return changed((job) => {
    job.data.train["file"] = `${name}.csv`;
    change(job);
  });
};

const withModel = async (name: string, text: string) => {
  await workshop.write(`${name}.mjs`, text);
  return changed((job) => {
    job.model = `./${name}.mjs`;
  });
};

describe("options", () => {
  it.each([
    ["an unknown option", ["train", "job.yaml", "--epoch", "3"], "option.invalid", "--epoch"],
    ["a missing argument", ["train"], "option.invalid", "job.yaml"],
    ["a job id that leads out of its folder", ["train", "job.yaml", "--resume", "../x"], "job.invalid-id", '"../x"'],
    ["another cluster", ["train", "job.yaml", "--cluster", "spark"], "option.invalid", "--cluster local"],
    ["a --set without a value", ["train", "job.yaml", "--set", "training"], "option.invalid", "PATH=VALUE"],
    ["no executors", ["evaluate", "x", "--data", "y", "--executors", "0"], "option.invalid", "1 ... 10000"],
  ])("refuses %s", async (_, words, code, part) => {
    await workshop.job("job.yaml", pointsJob);
    const ended = await workshop.run(...words);
    expect(ended.code).toBe(2);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code });
    expect(ended.stderr).toContain(part);
  });

  it.each([["show"], ["watch"], ["logs"], ["cancel"]])(
    "refuses a job id with ../ and an unknown one (jobs %s)",
    async (name) => {
      const outside = await workshop.runHere("jobs", name, "../../etc");
      expect(outside.code).toBe(2);
      expect(outside.stderr).toContain("error job.invalid-id");
      const unknown = await workshop.run("jobs", name, "no-such-job");
      expect(unknown.code).toBe(2);
      expect(unknown.stderr).toContain("error job.not-found");
    },
  );

  it("refuses to resume a job that is not there", async () => {
    const job = await workshop.job("job.yaml", pointsJob);
    await refused(["train", job, "--resume", "no-such-job"], "job.not-found");
  });
});

describe("the job file", () => {
  it("refuses a file that is not there", async () => {
    await refused(["train", "none.yaml"], "job-file.not-readable", "none.yaml", "no such file");
  });

  it("refuses wrong YAML, naming line and column", async () => {
    await workshop.write("syntax.yaml", "name: x\ndata: [1, 2\nmodel: y\n");
    await refusedHere(["train", "syntax.yaml"], "job-file.syntax", "syntax.yaml:3:1");
  });

  it("names the nearest valid field, with its line and column", async () => {
    await workshop.write("typo.yaml", JSON.stringify(pointsJob).replace('"epochs"', '\n  "epoch"'));
    await refusedHere(
      ["train", "typo.yaml"],
      "job-file.invalid",
      "unknown field training.epoch",
      "did you mean training.epochs?",
      "typo.yaml:2:3",
    );
  });

  it("names the nearest valid value", async () => {
    const job = changed((file) => {
      file.training["mode"] = "synchronus";
    });
    await refusedJob("value", job, "job-file.invalid", "training.mode", 'did you mean "synchronous"?', "value.yaml:");
  });

  it("points at the option when that is wrong", async () => {
    const job = await workshop.job("job.yaml", pointsJob);
    await refusedHere(
      ["train", job, "--set", "training.excutors=3"],
      "job-file.invalid",
      "did you mean training.executors?",
      "--set training.excutors=3",
    );
    await refusedHere(["train", job, "--executors", "many"], "job-file.invalid", "--executors many");
  });

  it("refuses both validation and validationSplit", async () => {
    const job = changed((file) => {
      file.data.validation = file.data.train;
      file.data.validationSplit = 0.1;
    });
    await refusedJob("both", job, "job-file.invalid", "validationSplit");
  });
});

describe("the model", () => {
  it("refuses a module that is not there", async () => {
    const job = changed((file) => {
      file.model = "./none.ts";
    });
    await refusedJob("no-model", job, "model.not-readable", "./none.ts", "no such file");
  });

  it("refuses a module that throws, with its message and line", async () => {
    const job = await withModel("throws", 'const x = 1;\nthrow new Error("broken on purpose");\n');
    const path = await workshop.job("throws.yaml", job);
    await refused(["train", path], "model.not-readable", "broken on purpose", "throws.mjs:2");
  });

  it("refuses a module that exports something else", async () => {
    await refusedJob("export", await withModel("export", "export default 7;"), "model.invalid", "type number");
  });

  it("refuses an uncompiled model", async () => {
    await refusedJob("uncompiled", await withModel("uncompiled", model({ compile: "" })), "model.not-compiled");
  });

  it.each([
    ["inputs", { inputs: 3 }, "3"],
    ["outputs", { units: 5 }, "5"],
  ])("refuses a model whose %s do not fit the data", async (name, options, part) => {
    await refusedJob(`fit-${name}`, await withModel(`fit-${name}`, model(options)), "model.data-mismatch", part, "2");
  });
});

describe("a model that reads values while it is compiled", () => {
  const peeking = customModel("tf.mul(input, input.dataSync()[0])");

  it("is refused where the compiled engine is demanded, with what it does and in which layer", async () => {
    const job = await workshop.job("peek.yaml", { ...(await withModel("peek", peeking)), engine: "compiled" });
    await refused(["train", job], "model.not-traceable", "dataSync", "dense_Dense2/Softmax");
  });

  it("is refused with both reasons where no tfjs engine can run it either", async () => {
    const job = await workshop.job("peek-any.yaml", await withModel("peek", peeking));
    await refused(
      ["train", job],
      "model.not-traceable",
      "dataSync",
      "dense_Dense2/Softmax",
      "No tfjs engine",
      "crossEntropy",
    );
  });
});

describe("the data", () => {
  it("refuses a file that is not there", async () => {
    const job = changed((file) => {
      file.data.train["file"] = "none.csv";
    });
    await refusedJob("no-data", job, "data.not-readable", "none.csv");
  });

  it("names the columns when one is wrong", async () => {
    const job = changed((file) => {
      file.data.train["features"] = { columns: ["x", "z"] };
    });
    await refusedJob("column", job, "data.unknown-column", '"z"', "x", "side");
  });

  it("names file, line and column of a ragged row", async () => {
    const job = await withCsv("ragged", `${points(10)}0.1,0.9\n`);
    await refused(["train", await workshop.job("ragged.yaml", job)], "data.ragged-row", "ragged.csv:12");
  });

  it.each([
    ["text", "big"],
    ["an-empty-cell", ""],
    ["nan", "NaN"],
    ["infinity", "Infinity"],
  ])("names file, line and column of %s among numbers", async (name, cell) => {
    const job = await withCsv(name, `${points(10)}0.1,${cell},0\n`);
    await refusedJob(name, job, "data.not-a-number", `${name}.csv:12`, 'column "y"');
  });

  it.each([
    ["too-high", "2"],
    ["negative", "-1"],
    ["half", "0.5"],
  ])("names file, line and column of a label that is %s", async (name, cell) => {
    const job = await withCsv(name, `${points(10)}0.1,0.9,${cell}\n`);
    await refusedJob(name, job, "data.label-out-of-range", `${name}.csv:12`, 'column "side"');
  });

  it("refuses a file without rows", async () => {
    await refusedJob("empty", await withCsv("empty", "x,y,side\n"), "data.empty", "empty.csv");
  });

  it("refuses more executors than rows", async () => {
    const job = await withCsv("few", points(3), (file) => {
      file.training["executors"] = 4;
    });
    await refusedJob("few", job, "data.too-few-rows", "3", "4");
  });

  it("refuses an IDX file that is cut off", async () => {
    await workshop.write("cut.idx", Buffer.from([0, 0, 8, 2, 0, 0, 0, 9, 0, 0, 0, 2, 1, 2, 3]));
    const job = changed((file) => {
      file.data.train = { format: "idx", features: { file: "cut.idx" }, labels: { file: "cut.idx", oneHot: 2 } };
    });
    await refusedJob("cut", job, "data.format", "cut.idx");
  });

  it("refuses the wrong format", async () => {
    const job = changed((file) => {
      file.data.train = {
        format: "npy",
        features: { file: "points.csv" },
        labels: { file: "points.csv", oneHot: 2 },
      };
    });
    await refusedJob("format", job, "data.format", "points.csv");
  });
});

describe("folders", () => {
  it("refuses a store that cannot be written", async () => {
    await workshop.write("a-file", "not a folder");
    const job = await workshop.job("job.yaml", pointsJob);
    const before = workshop.home;
    const blocked = Object.assign(Object.create(Workshop.prototype) as Workshop, {
      folder: workshop.folder,
      home: workshop.path("a-file/store"),
    });
    const ended = await blocked.run("train", job);
    expect(workshop.home).toBe(before);
    expect(ended.code).toBe(2);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "store.not-writable" });
    expect(ended.stderr).toContain("a-file/store");
  });

  it("refuses a folder for the model that cannot be written", async () => {
    await workshop.write("a-file", "not a folder");
    const job = await workshop.job("job.yaml", pointsJob);
    await refusedHere(
      ["train", job, "--out", "a-file/out"],
      "output.not-writable",
      "a-file/out",
      "a-file is no folder",
    );
  });

  it("refuses a model folder that is none", async () => {
    await workshop.job("test.yaml", { file: "test.csv" });
    await refused(["evaluate", "nowhere", "--data", "test.yaml"], "model.not-readable", "nowhere");
    await workshop.write("foreign/model.json", "{}");
    await refusedHere(["evaluate", "foreign", "--data", "test.yaml"], "model.not-readable", "foreign/stampede.json");
    await workshop.write("foreign/stampede.json", "{}");
    await refusedHere(["evaluate", "foreign", "--data", "test.yaml"], "model.invalid", "foreign/stampede.json");
  });
});
