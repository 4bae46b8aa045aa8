import { nearest } from "@stampede/core";
import { describe, expect, it } from "vitest";

const settings = ["executors", "epochs", "batchSize", "mode", "frequency", "seed", "shuffle", "optimizerState"];

describe("nearest", () => {
  it.each([
    ["epoch", "epochs"],
    ["epcohs", "epochs"],
    ["EPOCHS", "epochs"],
    ["batch_size", "batchSize"],
    ["batchsize", "batchSize"],
    ["bachSize", "batchSize"],
    ["exekutors", "executors"],
    ["sead", "seed"],
    ["optimiserState", "optimizerState"],
  ])("takes %s for %s", (name, meant) => {
    expect(nearest(name, settings)).toBe(meant);
  });

  it.each(["", "x", "lr", "learningRate", "made", "epochs".repeat(20)])("does not guess what %j may be", (name) => {
    expect(
      nearest(
        name,
        ["x1", "sgd", ...settings].filter((candidate) => candidate !== "mode"),
      ),
    ).toBeUndefined();
  });

  it("prefers the nearest, then the first", () => {
    expect(nearest("column1", ["column10", "column2", "column1"])).toBe("column1");
    expect(nearest("column1", ["column3", "column2"])).toBe("column3");
    expect(nearest("a", [])).toBeUndefined();
  });
});
