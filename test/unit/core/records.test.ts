import {
  CancelRecord,
  decodeMessage,
  decodeRecord,
  decodeSafetensors,
  decodeTensorRecord,
  decodeTensorRecordHeader,
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  encodeRecord,
  encodeSafetensors,
  encodeTensorRecord,
  EvaluationRecord,
  hashTensors,
  meanMetric,
  parseJobId,
  safetensorsHeaderEnd,
  sha256Hex,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { thrown } from "./thrown.js";

const job = parseJobId("job-1");
const cancel: z.output<typeof CancelRecord> = { version: 1, job, requestedAt: 5 };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const tensors: NamedTensors = new Map([["w", tensorOf(Float32Array.of(1, 2), [2])]]);
/** A newer program's record: same seal, other schema. */
const Newer = z.strictObject({ version: z.literal(2), job: z.string() });

describe("records", () => {
  const bytes = encodeRecord(CancelRecord, cancel);

  it("are JSON under a seal", () => {
    expect(text(bytes)).toMatch(/^\{"crc32":"[0-9a-f]{8}","record":\{"version":1,"job":"job-1","requestedAt":5\}\}$/);
    expect(decodeRecord(CancelRecord, bytes, "k")).toEqual(cancel);
  });

  it("are refused when changed, truncated or foreign, naming the key", () => {
    const changed = new TextEncoder().encode(text(bytes).replace(":5}", ":6}"));
    const error = thrown(() => decodeRecord(CancelRecord, changed, "jobs/job-1/cancel.json"));
    expect(error.code).toBe("store.corrupt");
    expect(error.details).toEqual({ key: "jobs/job-1/cancel.json" });
    expect(error.message).toMatch(
      /^Expected the CRC-32 "[0-9a-f]{8}" in jobs\/job-1\/cancel\.json, found "[0-9a-f]{8}": the object is truncated or damaged\. /,
    );
    for (const foreign of [new Uint8Array(), new TextEncoder().encode('{"version":1}'), bytes.subarray(0, 15)]) {
      const { code, message } = thrown(() => decodeRecord(CancelRecord, foreign, "k"));
      expect(code).toBe("store.corrupt");
      expect(message).toBe(
        "Expected an object sealed by Stampede in k, found one that was truncated, damaged or written by another program. The object was not used.",
      );
    }
  });

  it("notice a seal whose digits changed case", () => {
    const upper = new TextEncoder().encode(text(bytes).replace(/[0-9a-f]{8}/, (digits) => digits.toUpperCase()));
    expect(text(upper)).not.toBe(text(bytes));
    expect(thrown(() => decodeRecord(CancelRecord, upper, "k")).code).toBe("store.corrupt");
  });

  it("of an unknown version are named as such", () => {
    const newer = encodeRecord(Newer, { version: 2, job: "job-1" });
    const { code, message } = thrown(() => decodeRecord(CancelRecord, newer, "k"));
    expect(code).toBe("store.corrupt");
    expect(message).toBe(
      "Expected a record of a version that this Stampede reads in k, found version 2: it was written by another version of Stampede. The object was not used.",
    );
    const none = encodeRecord(z.strictObject({}), {});
    expect(thrown(() => decodeRecord(CancelRecord, none, "k")).message).toContain("found version (none):");
  });

  it("of another kind are described", () => {
    const other = encodeRecord(z.object({ version: z.literal(1), job: z.string() }), { version: 1, job: "../x" });
    expect(thrown(() => decodeRecord(CancelRecord, other, "k")).message).toBe(
      'Expected a valid record in k, found job: expected text like /^[a-z0-9][a-z0-9-]{0,62}$/, found "../x"; requestedAt is missing: expected a number. The object was not used.',
    );
  });

  it("that do not fit their schema are not written", () => {
    const metrics = { loss: meanMetric(Number.NaN, 1) };
    const record = {
      version: 1,
      job,
      round: 0,
      partition: 0,
      attempt: 1,
      attemptId: "a",
      examples: 1,
      computeMs: 0,
    } as const;
    const error = thrown(() => encodeRecord(EvaluationRecord, { ...record, metrics }));
    expect(error.code).toBe("internal.unexpected");
    expect(error.message).toBe(
      "Expected a valid record, found: metrics.loss.sums[0]: expected a number, found NaN. Nothing was written.",
    );
  });
});

describe("tensor records", () => {
  const bytes = encodeTensorRecord(CancelRecord, cancel, tensors);

  it("are safetensors files with the record in the metadata", () => {
    expect(decodeTensorRecord(CancelRecord, bytes, "k")).toEqual({ record: cancel, tensors });
    const { metadata } = decodeSafetensors(bytes, "k");
    expect(Object.keys(metadata)).toEqual(["crc32", "record", "recordCrc32"]);
    expect(JSON.parse(metadata.record ?? "")).toEqual(cancel);
  });

  it("give their record from the header alone, where the seal cannot be checked", () => {
    const end = safetensorsHeaderEnd(bytes, "k");
    expect(decodeTensorRecordHeader(CancelRecord, bytes.subarray(0, end), "k")).toEqual(cancel);
    const damaged = bytes.slice();
    damaged[bytes.length - 1] = 1;
    expect(decodeTensorRecordHeader(CancelRecord, damaged, "k")).toEqual(cancel);
    expect(thrown(() => decodeTensorRecord(CancelRecord, damaged, "k")).message).toContain("the CRC-32");
  });

  it("never give another record from a header with one wrong bit", () => {
    const header = bytes.slice(0, safetensorsHeaderEnd(bytes, "k"));
    for (let bit = 0; bit < 8 * header.length; bit += 1) {
      const damaged = header.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        expect(decodeTensorRecordHeader(CancelRecord, damaged, "k"), `bit ${bit}`).toEqual(cancel);
      } catch (error) {
        expect(error, `bit ${bit}`).toMatchObject({ code: "store.corrupt" });
      }
    }
  });

  it("say how many bytes are missing", () => {
    const { code, message } = thrown(() => decodeTensorRecord(CancelRecord, bytes.subarray(0, -3), "k"));
    expect(code).toBe("store.corrupt");
    expect(message).toBe(
      `Expected ${bytes.length} bytes, as its safetensors header says, in k, found ${bytes.length - 3} bytes. The object was not used.`,
    );
  });

  it("are told from plain safetensors files and from other records", () => {
    const plain = encodeSafetensors(tensors);
    expect(thrown(() => decodeTensorRecord(CancelRecord, plain, "k")).message).toContain(
      "an object sealed by Stampede",
    );
    expect(thrown(() => decodeTensorRecordHeader(CancelRecord, plain, "k")).message).toContain(
      "a record in the safetensors metadata",
    );
    const newer = encodeTensorRecord(Newer, { version: 2, job: "j" }, tensors);
    expect(thrown(() => decodeTensorRecord(CancelRecord, newer, "k")).message).toContain("found version 2:");
    const notJson = encodeSafetensors(tensors, { record: "{" });
    expect(thrown(() => decodeTensorRecordHeader(CancelRecord, notJson, "k")).message).toContain(
      "a record in JSON in k",
    );
  });
});

describe("messages", () => {
  const look: DriverMessage = { version: 1, type: "look", job, reason: "timer" };

  it("are JSON", () => {
    expect(encodeMessage(DriverMessage, look)).toBe('{"version":1,"type":"look","job":"job-1","reason":"timer"}');
    expect(decodeMessage(DriverMessage, encodeMessage(DriverMessage, look), "driver")).toEqual(look);
  });

  it.each([
    ["{", "Expected JSON on driver, found SyntaxError"],
    ["null", "Expected a valid message on driver, found expected an object, found null. The message is not acted on."],
    [
      '{"version":1,"type":"lok"}',
      'type: expected "look", "prepare", "resumed", "invocation-failed" or "output-damaged", found "lok"; did you mean "look"?',
    ],
    [
      '{"version":1,"type":"look","job":"../x","reason":"timer"}',
      'job: expected text like /^[a-z0-9][a-z0-9-]{0,62}$/, found "../x"',
    ],
  ])("that read %s are refused", (body, expected) => {
    const error = thrown(() => decodeMessage(DriverMessage, body, "driver"));
    expect(error.code).toBe("message.invalid");
    expect(error.details).toEqual({ queue: "driver" });
    expect(error.message).toContain(expected);
  });

  it("may have 1 MiB, counted in bytes", () => {
    const padded = (length: number): string => encodeMessage(DriverMessage, look).padEnd(length);
    expect(decodeMessage(DriverMessage, padded(1_048_576), "driver")).toEqual(look);
    const tooLong = thrown(() => decodeMessage(DriverMessage, padded(1_048_577), "driver"));
    expect(tooLong.message).toBe(
      "Expected at most 1048576 bytes on driver, found 1048577 bytes. The message is not acted on.",
    );
    const wide = JSON.stringify("é".repeat(600_000));
    expect(thrown(() => decodeMessage(DeltaMessage, wide, "deltas")).message).toContain("found 1200002 bytes");
  });
});

describe("hashes", () => {
  it("are SHA-256 in hex", () => {
    expect(sha256Hex(new TextEncoder().encode("abc"))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    const bytes = Uint8Array.of(...new TextEncoder().encode('["w","float32",[2]]\n'), 0, 0, 128, 63, 0, 0, 0, 64);
    expect(hashTensors(tensors)).toBe(sha256Hex(bytes));
  });

  it("of tensors depend on names, dtypes, shapes, values and order, and on nothing else", () => {
    const base = { dtype: "uint8", shape: [2], data: Uint8Array.of(1, 2) } as const;
    const variants: NamedTensors[] = [
      new Map([["a", base]]),
      new Map([["b", base]]),
      new Map([["a", { ...base, shape: [1, 2] }]]),
      new Map([["a", tensorOf(Int8Array.of(1, 2), [2])]]),
      new Map([["a", tensorOf(Uint8Array.of(2, 1), [2])]]),
      new Map([
        ["a", base],
        ["b", base],
      ]),
      new Map([
        ["b", base],
        ["a", base],
      ]),
      new Map([["a", tensorOf(Float32Array.of(0), [1])]]),
      new Map([["a", tensorOf(Float32Array.of(-0), [1])]]),
    ];
    expect(new Set(variants.map(hashTensors)).size).toBe(variants.length);
    const window = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    expect(hashTensors(new Map([["a", tensorOf(window, [2])]]))).toBe(hashTensors(new Map([["a", base]])));
  });
});
