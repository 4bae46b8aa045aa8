import { AttemptId, DatasetId, jobOfKey, keys, makeJobId, parseJobId, partitionOfOutput } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./thrown.js";

const job = parseJobId("mnist-1");
const train = { kind: "train", round: 1 } as const;

describe("parseJobId", () => {
  it.each(["a", "0", "mnist-mlp-20261123-225900-a1b2c3", "a".repeat(63), "a--b-"])("accepts %s", (id) => {
    expect(parseJobId(id)).toBe(id);
  });

  it.each(["", "../x", "a/../b", "a/b", "A", "jOb", "-a", "a_b", "a.b", "a b", "a\n", "a\0", "ä", "a".repeat(64)])(
    "refuses %j",
    (id) => {
      const error = thrown(() => parseJobId(id));
      expect(error.code).toBe("job.invalid-id");
      expect(error.message).toBe(
        `Expected a job id of 1 to 63 characters a-z, 0-9 and "-", found ${JSON.stringify(id)}. Nothing was started.`,
      );
    },
  );

  it("does not repeat a whole book", () => {
    expect(thrown(() => parseJobId("x".repeat(10_000))).message.length).toBeLessThan(250);
  });
});

describe("makeJobId", () => {
  const at = Date.UTC(2026, 10, 23, 22, 59, 7, 999);

  it.each([
    ["mnist-mlp", "mnist-mlp-20261123-225907-a1b2c3"],
    ["My Model (v2)!", "my-model-v2-20261123-225907-a1b2c3"],
    ["../../etc/passwd", "etc-passwd-20261123-225907-a1b2c3"],
    ["--", "job-20261123-225907-a1b2c3"],
    ["模型", "job-20261123-225907-a1b2c3"],
    ["", "job-20261123-225907-a1b2c3"],
    [`${"a".repeat(31)} b`, `${"a".repeat(31)}-20261123-225907-a1b2c3`],
    ["a".repeat(200), `${"a".repeat(32)}-20261123-225907-a1b2c3`],
  ])("makes of %j the id %s", (name, id) => {
    expect(makeJobId(name, at, "a1b2c3")).toBe(id);
    expect(parseJobId(id)).toBe(id);
  });

  it("sorts by time within a name", () => {
    const ids = [0, 1, 61, 3600, 86_400].map((seconds) => makeJobId("a", at + seconds * 1000, "ffffff"));
    expect(ids.toSorted()).toEqual(ids);
  });
});

describe("other ids", () => {
  it("are hex digests and short tokens", () => {
    expect(DatasetId.safeParse("a".repeat(64)).success).toBe(true);
    for (const wrong of ["a".repeat(63), "A".repeat(64), "../".padEnd(64, "a"), `${"a".repeat(64)}\n`]) {
      expect(DatasetId.safeParse(wrong).success).toBe(false);
    }
    expect(AttemptId.safeParse("0f-1").success).toBe(true);
    for (const wrong of ["", "a/b", "A", "a".repeat(65)]) expect(AttemptId.safeParse(wrong).success).toBe(false);
  });
});

describe("keys", () => {
  const dataset = DatasetId.parse("ab".repeat(32));

  it("are where the design puts them", () => {
    expect(keys.spec(job)).toBe("jobs/mnist-1/spec.json");
    expect(keys.head(job)).toBe("jobs/mnist-1/head.json");
    expect(keys.cancel(job)).toBe("jobs/mnist-1/cancel.json");
    expect(keys.result(job)).toBe("jobs/mnist-1/result.json");
    expect(keys.weights(job, 0)).toBe("jobs/mnist-1/rounds/000000/weights.safetensors");
    expect(keys.output(job, train, 7)).toBe("jobs/mnist-1/rounds/000001/deltas/0000/00007.safetensors");
    expect(keys.slice(job, 1, 2)).toBe("jobs/mnist-1/rounds/000001/slices/00002/slice.safetensors");
    expect(keys.output(job, train, 16)).toBe("jobs/mnist-1/rounds/000001/deltas/0001/00016.safetensors");
    expect(keys.groupPlan(job, 1, 2)).toBe("jobs/mnist-1/rounds/000001/reduction/plans/0002.safetensors");
    expect(keys.sum(job, 1, 3, 2)).toBe("jobs/mnist-1/rounds/000001/reduction/sums/0003/0002.safetensors");
    expect(keys.averagedPart(job, 1, 3)).toBe("jobs/mnist-1/rounds/000001/reduction/parts/0003.safetensors");
    expect(keys.output(job, { kind: "evaluate", round: 2 }, 0)).toBe(
      "jobs/mnist-1/rounds/000002/evaluations/00000.json",
    );
    expect(keys.output(job, { kind: "predict", round: 0 }, 0)).toBe(
      "jobs/mnist-1/rounds/000000/predictions/00000.arrow",
    );
    expect(keys.failure(job, train, 7, 2)).toBe("jobs/mnist-1/rounds/000001/failures/train/00007-002.json");
    const checkpoint = "jobs/mnist-1/rounds/000001/checkpoints/00007-000000000000012.safetensors";
    expect(keys.checkpoint(job, 1, 7, 12)).toBe(checkpoint);
    expect(keys.manifest(dataset)).toBe(`datasets/${dataset}/manifest.json`);
    expect(keys.part(dataset, 12)).toBe(`datasets/${dataset}/part-00012.arrow`);
  });

  it("list in the order of rounds and partitions", () => {
    const partitions = [0, 9, 10, 99, 99_999].map((partition) => keys.output(job, train, partition));
    const rounds = [0, 9, 10, 999_999].map((round) => keys.weights(job, round));
    expect(partitions.toSorted()).toEqual(partitions);
    expect(rounds.toSorted()).toEqual(rounds);
    const checkpoints = [0, 9, 10, 4e14].map((batches) => keys.checkpoint(job, 1, 3, batches));
    expect(checkpoints.toSorted()).toEqual(checkpoints);
  });

  it("lie below the folders that are listed", () => {
    expect(keys.output(job, train, 3).startsWith(keys.outputs(job, train))).toBe(true);
    expect(keys.failure(job, train, 3, 1).startsWith(keys.failures(job, train))).toBe(true);
    expect(keys.spec(job).startsWith(keys.jobs)).toBe(true);
    expect(keys.checkpoint(job, 1, 3, 5).startsWith(keys.partitionCheckpoints(job, 1, 3))).toBe(true);
    expect(keys.partitionCheckpoints(job, 1, 3).startsWith(keys.checkpoints(job, 1))).toBe(true);
    expect(keys.checkpoint(job, 1, 30, 5).startsWith(keys.partitionCheckpoints(job, 1, 3))).toBe(false);
  });
});

describe("partitionOfOutput", () => {
  it("reads back what output wrote", () => {
    for (const kind of ["train", "evaluate", "predict"] as const) {
      for (const partition of [0, 7, 99_999]) {
        const stage = { kind, round: 12 };
        expect(partitionOfOutput(keys.output(job, stage, partition), job, stage)).toBe(partition);
      }
    }
  });

  it.each([
    keys.output(job, { kind: "train", round: 2 }, 7),
    keys.output(job, { kind: "evaluate", round: 1 }, 7),
    keys.output(parseJobId("mnist-10"), train, 7),
    `${keys.outputs(job, train)}00007.json`,
    `${keys.outputs(job, train)}0007.safetensors`,
    `${keys.outputs(job, train)}00007.safetensors.tmp`,
    `${keys.outputs(job, train)}x/00007.safetensors`,
    keys.weights(job, 1),
    "",
  ])("does not take %s for an output of another stage", (key) => {
    expect(partitionOfOutput(key, job, train)).toBeUndefined();
  });
});

describe("jobOfKey", () => {
  it("finds the job of a key", () => {
    expect(jobOfKey(keys.head(job))).toBe("mnist-1");
    expect(jobOfKey("jobs/x")).toBeUndefined();
    expect(jobOfKey(keys.manifest(DatasetId.parse("0".repeat(64))))).toBeUndefined();
  });
});
