import { fc, test } from "@fast-check/vitest";
import {
  CancelRecord,
  decodeRecord,
  decodeSafetensors,
  decodeTensorRecord,
  decodeTensorRecordHeader,
  encodeRecord,
  encodeSafetensors,
  encodeTensorRecord,
  hashTensors,
  isStampedeError,
  parseJobId,
  type NamedTensors,
} from "@stampede/core";
import { expect } from "vitest";
import type * as z from "zod";
import { anyTensors, factsOf } from "./core-tensors.js";

fc.configureGlobal({ seed: 1 });

const cancel = fc
  .record({ job: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/), requestedAt: fc.nat() })
  .map(({ job, requestedAt }): z.output<typeof CancelRecord> => ({ version: 1, job: parseJobId(job), requestedAt }));
const metadata = fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 });

/** Bytes with something wrong: cut off, a bit flipped, a byte changed, inserted or appended. */
const damage = fc.record({
  kind: fc.constantFrom("cut", "flip", "set", "insert", "append"),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: fc.nat({ max: 255 }),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function damaged(bytes: Uint8Array, { kind, place, byte }: Damage): Uint8Array {
  const at = Math.floor(place * bytes.length);
  const changed = bytes.slice();
  if (kind === "cut") return changed.slice(0, at);
  if (kind === "append") return Uint8Array.of(...changed, byte);
  if (kind === "insert") return Uint8Array.of(...changed.slice(0, at), byte, ...changed.slice(at));
  changed[at] = kind === "flip" ? (changed[at] ?? 0) ^ (1 << (byte % 8)) : byte;
  return changed;
}

/** Only a StampedeError of code `store.corrupt` may be thrown. Tells whether it was. */
function isRefused(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(isStampedeError(error) && error.code).toBe("store.corrupt");
    return true;
  }
}

test.prop([anyTensors, metadata, fc.nat({ max: 8 })])(
  "safetensors: decode after encode is identity, wherever the bytes lie",
  (tensors, notes, shift) => {
    const bytes = encodeSafetensors(tensors, notes);
    const larger = new Uint8Array(bytes.length + shift);
    larger.set(bytes, shift);
    const decoded = decodeSafetensors(larger.subarray(shift), "x");
    expect(new Set(factsOf(decoded.tensors))).toEqual(new Set(factsOf(tensors)));
    // Tensors without elements share an offset, so nothing says which of them came first.
    const filled = (list: NamedTensors): unknown[] => factsOf(list).filter(({ bytes: stored }) => stored.length > 0);
    expect(filled(decoded.tensors)).toEqual(filled(tensors));
    expect(Object.entries(decoded.metadata)).toEqual(Object.entries(notes));
    const again = encodeSafetensors(tensors, notes);
    expect(Buffer.compare(again, bytes)).toBe(0);
  },
);

test.prop([anyTensors, cancel])("tensor records: decode after encode is identity", (tensors, record) => {
  const bytes = encodeTensorRecord(CancelRecord, record, tensors);
  const decoded = decodeTensorRecord(CancelRecord, bytes, "x");
  expect(decoded.record).toEqual(record);
  expect(new Set(factsOf(decoded.tensors))).toEqual(new Set(factsOf(tensors)));
  expect(decodeTensorRecordHeader(CancelRecord, bytes, "x")).toEqual(record);
});

test.prop([anyTensors, cancel], { numRuns: 15 })(
  "tensor records: every single flipped bit is noticed",
  (tensors, record) => {
    const bytes = encodeTensorRecord(CancelRecord, record, tensors);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (!isRefused(() => decodeTensorRecord(CancelRecord, flipped, "x"))) expect.fail(`bit ${bit} was not noticed`);
    }
  },
);

test.prop([cancel], { numRuns: 20 })("records: every single flipped bit is noticed", (record) => {
  const bytes = encodeRecord(CancelRecord, record);
  expect(decodeRecord(CancelRecord, bytes, "x")).toEqual(record);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (!isRefused(() => decodeRecord(CancelRecord, flipped, "x"))) expect.fail(`bit ${bit} was not noticed`);
  }
});

test.prop([anyTensors, cancel, fc.array(damage, { minLength: 1, maxLength: 3 })], { numRuns: 500 })(
  "damaged objects are refused with store.corrupt, or are whole",
  (tensors, record, damages) => {
    const plain = damages.reduce(damaged, encodeSafetensors(tensors, { note: "x" }));
    isRefused(() => decodeSafetensors(plain, "x"));
    const sealed = encodeTensorRecord(CancelRecord, record, tensors);
    const broken = damages.reduce(damaged, sealed);
    isRefused(() => decodeTensorRecordHeader(CancelRecord, broken, "x"));
    const isWhole = Buffer.compare(broken, sealed) === 0;
    expect(isRefused(() => decodeTensorRecord(CancelRecord, broken, "x"))).toBe(!isWhole);
    const json = encodeRecord(CancelRecord, record);
    const brokenJson = damages.reduce(damaged, json);
    expect(isRefused(() => decodeRecord(CancelRecord, brokenJson, "x"))).toBe(Buffer.compare(brokenJson, json) !== 0);
  },
);

test.prop([fc.json(), fc.uint8Array({ maxLength: 40 })], { numRuns: 500 })(
  "any JSON header over any data is refused or read",
  (json, data) => {
    const header = new TextEncoder().encode(json);
    const bytes = new Uint8Array(8 + header.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    bytes.set(data, 8 + header.length);
    isRefused(() => decodeSafetensors(bytes, "x"));
    isRefused(() => decodeSafetensors(data, "x"));
  },
);

test.prop([anyTensors, anyTensors])("hashTensors is equal exactly for equal tensors", (left, right) => {
  const isEqual = JSON.stringify(factsOf(left)) === JSON.stringify(factsOf(right));
  expect(hashTensors(left) === hashTensors(right)).toBe(isEqual);
  expect(hashTensors(new Map(left))).toBe(hashTensors(left));
});
