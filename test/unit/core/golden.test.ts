import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CancelRecord,
  CheckpointRecord,
  decodeRecord,
  decodeSafetensors,
  decodeTensorRecord,
  DeltaRecord,
  encodeRecord,
  encodeSafetensors,
  encodeTensorRecord,
  hashTensors,
  kernelsOf,
  parseJobId,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import type * as z from "zod";

/**
 * Files that earlier versions wrote. New code must go on reading them, so they are never written anew; a format that changes
 * gets another version and another file.
 */
const golden = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, "../../fixtures/core", name));

const job = parseJobId("mnist-20261123-225907-a1b2c3");
const cancel: z.output<typeof CancelRecord> = { version: 1, job, requestedAt: 1_795_474_747_999 };
const delta: DeltaRecord = {
  version: 1,
  job,
  round: 3,
  partition: 1,
  attempt: 2,
  attemptId: "0f1e2d3c",
  codec: "none",
  examples: 30_000,
  batches: 469,
  computeMs: 1234.5,
  metrics: { loss: { kind: "mean", sums: [12_345.678, 30_000] }, accuracy: { kind: "mean", sums: [27_001, 30_000] } },
};
const weights: NamedTensors = new Map([
  [
    "dense/kernel",
    tensorOf(
      Float32Array.from({ length: 6 }, (_, i) => (i - 2.5) / 3),
      [2, 3],
    ),
  ],
  ["dense/bias", tensorOf(Float32Array.of(-0, 1e-45, 3.4028234663852886e38), [3])],
  ["//optimizer/iterations", tensorOf(Int32Array.of(1407), [])],
]);
const everyKind: NamedTensors = new Map([
  ["double", tensorOf(Float64Array.of(0.1, -0, Number.NaN), [3])],
  ["10", tensorOf(Float32Array.of(Infinity, -Infinity), [2, 1])],
  ["2", tensorOf(Int32Array.of(-2_147_483_648), [])],
  ["short", tensorOf(Int16Array.of(-32_768, 32_767), [2])],
  ["ushort", tensorOf(Uint16Array.of(65_535), [1])],
  ["byte", tensorOf(Int8Array.of(-128), [1, 1, 1])],
  [
    "pixels",
    tensorOf(
      Uint8Array.from({ length: 9 }, (_, i) => i * 31),
      [3, 3],
    ),
  ],
  ["empty", tensorOf(new Float32Array(), [0, 4])],
]);
const note = { format: "np", text: 'é "quoted"\n' };

const small: NamedTensors = new Map([
  ["dense/kernel", tensorOf(Float32Array.of(0.5, -0, 1e-45), [3])],
  ["//optimizer/m", tensorOf(Float64Array.of(0.1), [1])],
]);
/** What a delta and a checkpoint have in common. */
const trained: z.output<typeof CheckpointRecord> = {
  version: 1,
  job,
  round: 3,
  partition: 1,
  attempt: 2,
  attemptId: "0f1e2d3c",
  examples: 30_000,
  batches: 469,
  computeMs: 1234.5,
  tookMs: 2000,
  metrics: { loss: { kind: "mean", sums: [12_345.678, 30_000] } },
};

describe("golden files", () => {
  it("a sealed record", () => {
    expect(decodeRecord(CancelRecord, golden("cancel.json"), "x")).toEqual(cancel);
    expect(Buffer.from(encodeRecord(CancelRecord, cancel))).toEqual(golden("cancel.json"));
  });

  it("a tensor record of before records had a checksum of their own", () => {
    expect(decodeTensorRecord(DeltaRecord, golden("delta.safetensors"), "x")).toEqual({
      record: delta,
      tensors: weights,
    });
  });

  it("a tensor record whose record has a checksum of its own", () => {
    expect(decodeTensorRecord(DeltaRecord, golden("delta-2.safetensors"), "x")).toEqual({
      record: delta,
      tensors: weights,
    });
    expect(Buffer.from(encodeTensorRecord(DeltaRecord, delta, weights))).toEqual(golden("delta-2.safetensors"));
  });

  it("a delta of before it said all kinds of kernels that trained it", () => {
    const record: DeltaRecord = { ...trained, codec: "none", block: 16 };
    expect(decodeTensorRecord(DeltaRecord, golden("delta-3.safetensors"), "x")).toEqual({ record, tensors: small });
    expect(Buffer.from(encodeTensorRecord(DeltaRecord, record, small))).toEqual(golden("delta-3.safetensors"));
    expect(kernelsOf([record])).toEqual([16]);
  });

  it("a delta that several kinds of kernels trained", () => {
    const record: DeltaRecord = { ...trained, codec: "none", blocks: [16, 0] };
    expect(decodeTensorRecord(DeltaRecord, golden("delta-4.safetensors"), "x")).toEqual({ record, tensors: small });
    expect(Buffer.from(encodeTensorRecord(DeltaRecord, record, small))).toEqual(golden("delta-4.safetensors"));
    expect(kernelsOf([record])).toEqual([16, 0]);
  });

  it("a checkpoint of before it said which kernels trained it", () => {
    const file = golden("checkpoint.safetensors");
    expect(decodeTensorRecord(CheckpointRecord, file, "x")).toEqual({ record: trained, tensors: small });
    expect(Buffer.from(encodeTensorRecord(CheckpointRecord, trained, small))).toEqual(file);
  });

  it("a checkpoint", () => {
    const record: typeof trained = { ...trained, blocks: [16, 0] };
    const file = golden("checkpoint-2.safetensors");
    expect(decodeTensorRecord(CheckpointRecord, file, "x")).toEqual({ record, tensors: small });
    expect(Buffer.from(encodeTensorRecord(CheckpointRecord, record, small))).toEqual(file);
  });

  it("a plain safetensors file with every dtype", () => {
    const { tensors, metadata } = decodeSafetensors(golden("every-kind.safetensors"), "x");
    expect([...tensors]).toEqual([...everyKind]);
    expect(metadata).toEqual(note);
    expect(Buffer.from(encodeSafetensors(everyKind, note))).toEqual(golden("every-kind.safetensors"));
  });

  it("the hash of weights, by which runs are compared", () => {
    expect(hashTensors(weights)).toBe("c00ef767dd4dc3511145ecb7076b1de4f706071430ec60e321f5d2ce75ff8141");
  });
});
