import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  decodeTensorRecord,
  encodeTensorRecord,
  hashTensors,
  parseJobId,
  GroupPlan,
  PartRecord,
  RoundRecord,
  SliceRecord,
  SumRecord,
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
const plan: GroupPlan = {
  version: 1,
  job,
  round: 3,
  group: 0,
  token: "0f1e2d3c",
  weights: [{ name: "dense/kernel", dtype: "float32", shape: [2, 3] }],
  optimizer: [{ name: "m", dtype: "float64", shape: [2] }],
  sources: [
    { partition: 1, etag: '"e1"', dataStart: 1024, dataBytes: 40, weight: 30_000, shortenTo: 0.3, countsState: true },
  ],
  contributions: [contribution],
  validations: [contribution.metrics],
};
const sum: SumRecord = {
  version: 1,
  job,
  round: 3,
  group: 2,
  part: 5,
  attemptId: "0f1e2d3c",
  weight: 30_000,
  stateWeight: 10_000,
  pieces: [
    { name: "dense/kernel", dtype: "float32", shape: [2, 3], from: 3, to: 6 },
    { name: "//optimizer/m", dtype: "float64", shape: [2], from: 1, to: 2 },
  ],
};
const sums: NamedTensors = new Map([
  ["dense/kernel", tensorOf(Float64Array.of(15_000, -0, 1e-40), [3])],
  ["//optimizer/m", tensorOf(Float64Array.of(0.1), [1])],
]);
const part: PartRecord = { version: 1, job, round: 3, part: 5, attemptId: "0f1e2d3c", pieces: slice.pieces };
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

  it("what the sums of a group are made of", () => {
    const file = golden("group-plan.safetensors");
    expect(decodeTensorRecord(GroupPlan, file, "x")).toEqual({ record: plan, tensors: blocks });
    expect(Buffer.from(encodeTensorRecord(GroupPlan, plan, blocks))).toEqual(file);
  });

  it("a part of a group's sum", () => {
    const file = golden("sum.safetensors");
    expect(decodeTensorRecord(SumRecord, file, "x")).toEqual({ record: sum, tensors: sums });
    expect(Buffer.from(encodeTensorRecord(SumRecord, sum, sums))).toEqual(file);
  });

  it("an averaged part", () => {
    const file = golden("part.safetensors");
    expect(decodeTensorRecord(PartRecord, file, "x")).toEqual({ record: part, tensors });
    expect(Buffer.from(encodeTensorRecord(PartRecord, part, tensors))).toEqual(file);
  });

  it("the record of the round", () => {
    const file = golden("sliced-round.safetensors");
    expect(decodeTensorRecord(RoundRecord, file, "x")).toEqual({ record: round, tensors: new Map() });
    expect(Buffer.from(encodeTensorRecord(RoundRecord, round, new Map()))).toEqual(file);
  });
});
