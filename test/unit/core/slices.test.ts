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
  slicesIn,
  slicesOf,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import { makeJobSpec } from "../../support/job-specs.js";

const mebibyte = 2 ** 20;

describe("the number of slices", () => {
  it.each([
    // A model of the examples, with any number of executors.
    { partitions: 4, weightBytes: 400_000, slices: 1 },
    { partitions: 1_000, weightBytes: 400_000, slices: 1 },
    { partitions: 10_000, weightBytes: 400_000, slices: 1 },
    { partitions: 10_000, weightBytes: mebibyte, slices: 4 },
    { partitions: 16, weightBytes: 50 * mebibyte, slices: 1 },
    { partitions: 2, weightBytes: 100 * mebibyte, slices: 2 },
    { partitions: 100, weightBytes: 100 * mebibyte, slices: 10 },
    { partitions: 1_000, weightBytes: 100 * mebibyte, slices: 98 },
    { partitions: 10_000, weightBytes: 100 * mebibyte, slices: 256 },
    { partitions: 4, weightBytes: 1024 * mebibyte, slices: 16 },
  ])("of $partitions deltas of $weightBytes bytes is $slices", ({ slices, ...given }) => {
    expect(slicesOf(given)).toBe(slices);
  });

  it("is that of the spec, but 1 where late deltas count", () => {
    expect(slicesIn(makeJobSpec())).toBe(1);
    expect(slicesIn(makeJobSpec({ slices: 4 }))).toBe(4);
    expect(slicesIn(makeJobSpec({ slices: 4, training: { quorum: 0.5 } }))).toBe(4);
    expect(slicesIn(makeJobSpec({ slices: 4, training: { lateDeltas: "merge" } }))).toBe(4);
    expect(slicesIn(makeJobSpec({ slices: 4, training: { quorum: 0.5, lateDeltas: "merge" } }))).toBe(1);
  });
});

it("slices of large tensors begin with a block of which there is a checksum", () => {
  const layout = layoutOf(new Map([["w", tensorOf(new Float32Array(5 * 65_536 + 100), [5 * 65_536 + 100])]]));
  const begins = [0, 1, 2].map((slice) => piecesOf(layout, 3, slice)[0]?.begin);
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
