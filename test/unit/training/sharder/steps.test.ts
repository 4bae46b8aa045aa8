import { describe, expect, test } from "vitest";
import { shardStepName, type ShardingLayout, type ShardingPlan, type ShardingRequest } from "@stampede/core";
import { openSteps, type ShardingFacts } from "@stampede/training";

const limits = { singleBytes: 0, taskBytes: 128, indexBytes: 64 };
const file = (path: string, bytes: number): ShardingRequest["files"][number] => ({ path, version: "1", bytes });

/** A file of three pieces and one of one. */
const request: ShardingRequest = {
  version: 1,
  dataset: { format: "csv", file: ["a", "b"], delimiter: ",", header: true },
  baseFolder: "/",
  files: [file("a", 300), file("b", 10)],
  partitions: 3,
  order: "shuffled",
  validationSplit: 0.5,
  limits,
};
const plan: ShardingPlan = {
  version: 1,
  blockRows: 10,
  columns: [{ name: "features", storage: "float32", storedShape: [] }],
  texts: true,
};
const layout: ShardingLayout = { version: 1, rows: 45, runRows: 20, partsAtOnce: 2 };

function open(done: readonly string[], facts: Partial<ShardingFacts> = {}): readonly string[] {
  const steps = openSteps({ request, plan, layout, done: new Set(done), ...facts });
  return steps.map((step) => shardStepName(step));
}

const hashes = ["hash-00000", "hash-00001", "hash-00002", "hash-00003"];
const texts = ["texts-00000", "texts-00001", "texts-00002"];
const rows = ["rows-00000", "rows-00001", "rows-00002"];
const parts = ["parts-00000", "parts-00001", "parts-00002", "parts-00003"];

describe("what can be done next", () => {
  test("first of all the plan", () => {
    expect(open([], { plan: undefined, layout: undefined })).toEqual(["plan-00000"]);
  });

  test("of each file the next piece is hashed, beside the counts", () => {
    const counts = ["count-00000", "count-00001", "count-00002", "count-00003"];
    expect(open([], { layout: undefined })).toEqual(["hash-00000", "hash-00003", ...counts]);
    expect(open(["hash-00000", "count-00002"], { layout: undefined })).toEqual([
      "hash-00001",
      "hash-00003",
      ...counts.filter((count) => count !== "count-00002"),
    ]);
    expect(open([...hashes, ...counts], { layout: undefined })).toEqual(["layout-00000"]);
  });

  test("texts, then their numbers, then rows", () => {
    expect(open(hashes)).toEqual(texts);
    expect(open([...hashes, ...texts])).toEqual(["merge-00000"]);
    expect(open([...hashes, ...texts, "merge-00000", "rows-00001"])).toEqual(["rows-00000", "rows-00002"]);
  });

  test("rows at once where no text is numbered and rows are of fixed size", () => {
    const known = { plan: { ...plan, texts: false, layout } };
    expect(open([], known)).toEqual(["hash-00000", "hash-00003", ...rows]);
  });

  test("partitions of both sets when all rows are there and all files hashed", () => {
    const before = [...texts, "merge-00000", ...rows];
    expect(open([...before, ...hashes.slice(0, 2)])).toEqual(["hash-00002", "hash-00003"]);
    expect(open([...before, ...hashes])).toEqual(parts);
    expect(open([...before, ...hashes, ...parts])).toEqual(["commit-00000"]);
  });
});
