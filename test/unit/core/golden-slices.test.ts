import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  decodeTensorRecord,
  encodeTensorRecord,
  hashTensors,
  parseJobId,
  RoundRecord,
  SlicePlan,
  SliceRecord,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";

const golden = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, "../../fixtures/core", name));

const job = parseJobId("mnist-20261123-225907-a1b2c3");
const contribution = {
  partition: 1,
  attempt: 2,
  attemptId: "0f1e2d3c",
  examples: 30_000,
  computeMs: 1234.5,
  norm: 0.75,
  metrics: { loss: { kind: "mean" as const, sums: [12_345.678, 30_000] } },
};
const tensors: NamedTensors = new Map([
  ["dense/kernel", tensorOf(Float32Array.of(0.5, -0, 1e-45), [3])],
  ["//optimizer/m", tensorOf(Float64Array.of(0.1), [1])],
]);
const slice: SliceRecord = {
  version: 1,
  job,
  round: 3,
  slice: 1,
  attemptId: "0f1e2d3c",
  sha256: hashTensors(tensors),
  pieces: [
    { name: "dense/kernel", shape: [2, 3], from: 3 },
    { name: "//optimizer/m", shape: [2], from: 1 },
  ],
};
const plan: SlicePlan = {
  version: 1,
  job,
  round: 3,
  token: "0f1e2d3c",
  madeAt: 1_795_474_747_999,
  slices: 2,
  weights: [{ name: "dense/kernel", dtype: "float32", shape: [2, 3] }],
  optimizer: [{ name: "m", dtype: "float64", shape: [2] }],
  sources: [
    { partition: 1, etag: '"e1"', dataStart: 1024, dataBytes: 40, weight: 30_000, shortenTo: 0.3, countsState: true },
  ],
  contributions: [contribution],
  metrics: contribution.metrics,
};
const blocks: NamedTensors = new Map([["blocks", tensorOf(Int32Array.of(-1, 7), [1, 2])]]);
const round: RoundRecord = {
  version: 1,
  job,
  round: 3,
  attemptId: "0f1e2d3c",
  committedAt: 1_795_474_747_999,
  contributions: [contribution],
  metrics: contribution.metrics,
  slices: [
    { bytes: 512, sha256: slice.sha256 },
    { bytes: 520, sha256: slice.sha256 },
  ],
};

/** Files that earlier versions wrote, as in `golden.test.ts`: never written anew. */
describe("golden files of a round in slices", () => {
  it("a slice", () => {
    const file = golden("slice.safetensors");
    expect(decodeTensorRecord(SliceRecord, file, "x")).toEqual({ record: slice, tensors });
    expect(Buffer.from(encodeTensorRecord(SliceRecord, slice, tensors))).toEqual(file);
  });

  it("what slices are made of", () => {
    const file = golden("slice-plan.safetensors");
    expect(decodeTensorRecord(SlicePlan, file, "x")).toEqual({ record: plan, tensors: blocks });
    expect(Buffer.from(encodeTensorRecord(SlicePlan, plan, blocks))).toEqual(file);
  });

  it("the record of the round", () => {
    const file = golden("sliced-round.safetensors");
    expect(decodeTensorRecord(RoundRecord, file, "x")).toEqual({ record: round, tensors: new Map() });
    expect(Buffer.from(encodeTensorRecord(RoundRecord, round, new Map()))).toEqual(file);
  });
});
