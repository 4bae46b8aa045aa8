import {
  blocksAround,
  checkBlocks,
  decodeTensorRecord,
  decodeTensorRecordLayout,
  DeltaRecord,
  encodeTensorRecord,
  layoutOf,
  parseJobId,
  piecesOf,
  partsOfSlice,
  sliceOfPart,
  slicingIn,
  slicingOf,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import { makeJobSpec } from "../../support/job-specs.js";

const mebibyte = 2 ** 20;

describe("how a round is averaged", () => {
  it.each([
    // A model of the examples, with any number of executors: by one function.
    { partitions: 4, weightBytes: 400_000, slices: 1, parts: 1 },
    { partitions: 600, weightBytes: 400_000, slices: 1, parts: 1 },
    { partitions: 4, weightBytes: 50 * mebibyte, slices: 1, parts: 1 },
    // Many executors: in parts that are stored together.
    { partitions: 10_000, weightBytes: 400_000, slices: 1, parts: 1 },
    { partitions: 10_000, weightBytes: mebibyte, slices: 1, parts: 4 },
    { partitions: 1_000, weightBytes: 10 * mebibyte, slices: 2, parts: 14 },
    // Large models: in slices, and the more executors the more parts of them.
    { partitions: 2, weightBytes: 100 * mebibyte, slices: 5, parts: 5 },
    { partitions: 10, weightBytes: 100 * mebibyte, slices: 13, parts: 26 },
    { partitions: 100, weightBytes: 100 * mebibyte, slices: 13, parts: 143 },
    { partitions: 1_000, weightBytes: 100 * mebibyte, slices: 13, parts: 143 },
    { partitions: 10_000, weightBytes: 100 * mebibyte, slices: 13, parts: 260 },
    { partitions: 4, weightBytes: 1024 * mebibyte, slices: 64, parts: 128 },
    // No slice is larger than one function can hold.
    { partitions: 2, weightBytes: 10_240 * mebibyte, slices: 160, parts: 320 },
  ])("with $partitions deltas of $weightBytes bytes: $slices slices, $parts parts", ({ slices, parts, ...given }) => {
    expect(slicingOf(given)).toEqual({ slices, parts });
  });

  it("is what the spec says, but by one function where late deltas count", () => {
    const whole = { slices: 1, parts: 1 };
    const four = { slices: 4, parts: 4 };
    expect(slicingIn(makeJobSpec())).toEqual(whole);
    expect(slicingIn(makeJobSpec({ slices: 4 }))).toEqual(four);
    expect(slicingIn(makeJobSpec({ slices: 4, parts: 8 }))).toEqual({ slices: 4, parts: 8 });
    expect(slicingIn(makeJobSpec({ slices: 4, training: { quorum: 0.5 } }))).toEqual(four);
    expect(slicingIn(makeJobSpec({ slices: 4, training: { lateDeltas: "merge" } }))).toEqual(four);
    expect(slicingIn(makeJobSpec({ slices: 4, training: { quorum: 0.5, lateDeltas: "merge" } }))).toEqual(whole);
  });

  it("has each part in one slice", () => {
    const slicing = { slices: 3, parts: 12 };
    expect([0, 1, 2].map((slice) => partsOfSlice(slicing, slice))).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10, 11],
    ]);
    for (let part = 0; part < 12; part += 1) {
      expect(partsOfSlice(slicing, sliceOfPart(slicing, part))).toContain(part);
    }
  });
});

it("parts of large tensors begin with a block of which there is a checksum", () => {
  const layout = layoutOf(new Map([["w", tensorOf(new Float32Array(5 * 65_536 + 100), [5 * 65_536 + 100])]]));
  const begins = [0, 1, 2].map((part) => piecesOf(layout, 3, part)[0]?.begin);
  expect(begins).toEqual([0, 262_144, 3 * 262_144]);
});

describe("checksums of blocks", () => {
  const record: DeltaRecord = {
    version: 1,
    job: parseJobId("a-job"),
    round: 1,
    partition: 0,
    attempt: 1,
    attemptId: "a",
    codec: "none",
    examples: 1,
    batches: 1,
    computeMs: 1,
    metrics: {},
  };
  const tensors: NamedTensors = new Map([
    [
      "a",
      tensorOf(
        Float32Array.from({ length: 50_000 }, (_, index) => index),
        [50_000],
      ),
    ],
    ["b", tensorOf(Uint8Array.of(1, 2, 3), [3])],
    [
      "c",
      tensorOf(
        Float64Array.from({ length: 30_000 }, (_, index) => -index),
        [30_000],
      ),
    ],
  ]);
  const dataBytes = 200_000 + 3 + 240_000;
  const body = encodeTensorRecord(DeltaRecord, record, tensors);
  const header = decodeTensorRecordLayout(DeltaRecord, body, "x");
  const sums = header.blockSums ?? new Int32Array();

  it("tell of every range of blocks whether it is whole", () => {
    expect(header).toMatchObject({ record, dataBytes, dataStart: body.length - dataBytes });
    expect(sums).toHaveLength(2);
    for (const [begin, end] of [
      [0, 1],
      [0, dataBytes],
      [262_143, 262_145],
      [300_000, 300_001],
    ] as const) {
      const range = blocksAround(begin, end, dataBytes);
      const bytes = body.slice(header.dataStart + range.start, header.dataStart + range.end);
      expect(() => checkBlocks(bytes, range, sums, "x")).not.toThrow();
      const at = bytes.length - 1;
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      expect(() => checkBlocks(bytes, range, sums, "x")).toThrow(/block \d as it was written in x/);
      expect(() => checkBlocks(bytes.subarray(0, at), range, sums, "x")).toThrow(/bytes of a range in x/);
    }
  });

  it("are checked themselves", () => {
    const text = new TextDecoder("latin1").decode(body);
    const at = text.indexOf('"blocks":"') + 12;
    const damaged = body.slice();
    damaged[at] = damaged[at] === 65 ? 66 : 65;
    expect(() => decodeTensorRecordLayout(DeltaRecord, damaged, "x")).toThrow(/checksums of 2 blocks in x/);
  });

  it("are left out of small objects, which are as they always were", () => {
    const small = encodeTensorRecord(DeltaRecord, record, new Map([["b", tensorOf(Uint8Array.of(1, 2, 3), [3])]]));
    expect(decodeTensorRecordLayout(DeltaRecord, small, "x").blockSums).toBeUndefined();
    expect(new TextDecoder("latin1").decode(small)).not.toContain("blocks");
    expect(decodeTensorRecord(DeltaRecord, body, "x").tensors).toEqual(tensors);
  });
});
