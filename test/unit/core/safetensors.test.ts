import {
  decodeSafetensors,
  decodeSafetensorsHeader,
  encodeSafetensors,
  safetensorsHeaderEnd,
  tensorOf,
  type NamedTensors,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import { fileOf, rawFileOf } from "./safetensors-bytes.js";
import { thrown } from "./thrown.js";

const tensors: NamedTensors = new Map([
  ["dense/kernel", tensorOf(Float32Array.of(1, -2, 3.5, 0), [2, 2])],
  ["step", tensorOf(Int32Array.of(7), [])],
]);
const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
const corrupt = (bytes: Uint8Array): string => {
  const error = thrown(() => decodeSafetensors(bytes, "w.safetensors"));
  expect(error.code).toBe("store.corrupt");
  expect(error.details).toEqual({ key: "w.safetensors" });
  expect(error.message).toContain("w.safetensors");
  return error.message;
};

describe("encodeSafetensors", () => {
  it("writes the documented layout, with metadata first and data at a multiple of 8", () => {
    const bytes = encodeSafetensors(tensors, { b: "2", a: "1" });
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes));
    expect((8 + headerBytes) % 8).toBe(0);
    expect(text.trimEnd()).toBe(
      '{"__metadata__":{"b":"2","a":"1"},"dense/kernel":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},' +
        '"step":{"dtype":"I32","shape":[],"data_offsets":[16,20]}}',
    );
    expect(Buffer.from(bytes.subarray(8 + headerBytes)).toString("hex")).toBe(
      "0000803f000000c0000060400000000007000000",
    );
  });

  it("leaves the metadata out when there is none", () => {
    expect(new TextDecoder().decode(encodeSafetensors(new Map()).subarray(8)).trimEnd()).toBe("{}");
  });

  it("keeps the order of names that look like numbers, and the name __proto__", () => {
    const names = ["10", "__proto__", "2", "constructor", ""];
    const named = new Map(names.map((name, i) => [name, tensorOf(Uint8Array.of(i), [1])]));
    const { tensors: decoded } = decodeSafetensors(encodeSafetensors(named), "x");
    expect([...decoded]).toEqual([...named]);
  });

  it("refuses data that does not fit its shape, and the name of the metadata", () => {
    const misfit = new Map([["a", tensorOf(Float32Array.of(1, 2, 3), [2])]]);
    expect(() => encodeSafetensors(misfit)).toThrow(
      new RangeError('Expected the data of tensor "a" to fit its shape, found 3 elements and shape [2].'),
    );
    expect(() => encodeSafetensors(new Map([["__metadata__", tensorOf(Int8Array.of(1), [1])]]))).toThrow(RangeError);
  });
});

describe("decodeSafetensors", () => {
  it("views aligned data and copies the rest", () => {
    const mixed = new Map([
      ["a", tensorOf(Float32Array.of(1), [1])],
      ["b", tensorOf(Float64Array.of(2), [1])],
    ]);
    const bytes = encodeSafetensors(mixed);
    const { tensors: decoded } = decodeSafetensors(bytes, "x");
    expect(decoded).toEqual(mixed);
    expect(decoded.get("a")?.data.buffer).toBe(bytes.buffer);
    expect(decoded.get("b")?.data.buffer).not.toBe(bytes.buffer);
  });

  it("reads from the middle of a larger buffer", () => {
    const bytes = encodeSafetensors(tensors, { k: "v" });
    for (const shift of [1, 4, 8]) {
      const larger = new Uint8Array(bytes.length + 16).fill(255);
      larger.set(bytes, shift);
      const decoded = decodeSafetensors(larger.subarray(shift, shift + bytes.length), "x");
      expect(decoded).toEqual({ tensors, metadata: { k: "v" } });
    }
  });

  it("reads what other writers write: any order of names, unknown entry fields, other white space", () => {
    const header =
      '{ "z": {"data_offsets":[1,2],"dtype":"U8","shape":[1],"extra":1}, "a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}\n';
    const { tensors: decoded, metadata } = decodeSafetensors(rawFileOf(header, Uint8Array.of(5, 6)), "x");
    expect([...decoded]).toEqual([
      ["a", tensorOf(Uint8Array.of(5), [])],
      ["z", tensorOf(Uint8Array.of(6), [1])],
    ]);
    expect(metadata).toEqual({});
  });

  it("keeps odd metadata names apart from Object.prototype", () => {
    const { metadata } = decodeSafetensors(rawFileOf('{"__metadata__":{"__proto__":"x"}}'), "x");
    expect(Object.entries(metadata)).toEqual([["__proto__", "x"]]);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  it.each([
    ["nothing", new Uint8Array(), "a safetensors file of at least 8 bytes in w.safetensors, found 0 bytes"],
    ["half a length", new Uint8Array(7), "found 7 bytes"],
    ["a header cut off", fileOf({ a: entry }).subarray(0, 30), "found 22 bytes"],
    [
      "a header that is too large",
      Uint8Array.of(1, 0, 0, 4, 0, 0, 0, 0),
      "at most 67108864 bytes in w.safetensors, found a length of 67108865",
    ],
    ["a header beyond 2^53", new Uint8Array(8).fill(255), "found a length of 18446744073709551615 bytes"],
    ["text that is not JSON", rawFileOf("{a"), "a safetensors header in JSON in w.safetensors, found SyntaxError"],
    ["bytes that are not UTF-8", Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 255), "a safetensors header in JSON"],
    ["a list", fileOf([]), "a JSON object as the safetensors header in w.safetensors, found []"],
    ["null", fileOf(null), "found null"],
    ["metadata that is a list", fileOf({ __metadata__: [] }), "an object as __metadata__"],
    [
      "metadata that is not text",
      fileOf({ __metadata__: { a: 1 } }),
      "text as __metadata__.a in w.safetensors, found 1",
    ],
    [
      "an entry that is no object",
      fileOf({ a: 1 }),
      'dtype, shape and data_offsets of tensor "a" in w.safetensors, found 1',
    ],
    ["a fractional extent", fileOf({ a: { ...entry, shape: [1.5] } }), '(wrong at "shape.0")'],
    ["a negative extent", fileOf({ a: { ...entry, shape: [-2] } }), '(wrong at "shape.0")'],
    ["three offsets", fileOf({ a: { ...entry, data_offsets: [0, 8, 9] } }), '(wrong at "data_offsets")'],
    ["a negative offset", fileOf({ a: { ...entry, data_offsets: [-8, 0] } }), '(wrong at "data_offsets.0")'],
    ["an unsafe offset", fileOf({ a: { ...entry, data_offsets: [0, 2 ** 60] } }), '(wrong at "data_offsets.1")'],
    ["offsets turned around", fileOf({ a: { ...entry, shape: [0], data_offsets: [8, 0] } }), '0 bytes for tensor "a"'],
    [
      "an unknown dtype",
      fileOf({ a: { ...entry, dtype: "BF16" } }),
      'one of the dtypes F32, F64, I8, U8, I16, U16, I32 in w.safetensors, found "BF16"',
    ],
    ["the dtype toString", fileOf({ a: { ...entry, dtype: "toString" } }), 'found "toString"'],
    [
      "a size that is not the shape's",
      fileOf({ a: { ...entry, shape: [3] } }),
      '12 bytes for tensor "a" in w.safetensors, found shape [3] and data_offsets [0, 8]',
    ],
    [
      "a product beyond 2^53",
      fileOf({ a: { ...entry, shape: [2 ** 31, 2 ** 31, 0], data_offsets: [0, 0] } }),
      "fewer than 2^53 bytes",
    ],
    ["a gap", fileOf({ a: { ...entry, data_offsets: [4, 12] } }), "found a gap of 4 bytes"],
    ["an overlap", fileOf({ a: entry, b: { ...entry, data_offsets: [4, 12] } }), "found an overlap of 4 bytes"],
    [
      "data cut off",
      fileOf({ a: entry }, new Uint8Array(7)),
      "bytes, as its safetensors header says, in w.safetensors, found",
    ],
    [
      "trailing bytes",
      fileOf({ a: entry }, new Uint8Array(9)),
      "bytes, as its safetensors header says, in w.safetensors, found",
    ],
    [
      "a name twice",
      rawFileOf(
        `{"a":${JSON.stringify(entry)},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}`,
        new Uint8Array(16),
      ),
      "found a gap of 8 bytes",
    ],
  ])("refuses %s", (_, bytes, expected) => {
    const message = corrupt(bytes);
    expect(message).toContain(expected);
    expect(message).toMatch(/^Expected .* in w\.safetensors, found .*\. The object was not used\.$/s);
  });
});

describe("decodeSafetensorsHeader", () => {
  const bytes = encodeSafetensors(tensors, { k: "v" });

  it("needs only the prefix that the first 8 bytes ask for", () => {
    const end = safetensorsHeaderEnd(bytes.subarray(0, 8), "x");
    expect(decodeSafetensorsHeader(bytes.subarray(0, end), "x")).toEqual({
      metadata: { k: "v" },
      dataStart: end,
      entries: [
        { name: "dense/kernel", dtype: "float32", shape: [2, 2], begin: 0, end: 16 },
        { name: "step", dtype: "int32", shape: [], begin: 16, end: 20 },
      ],
    });
    expect(thrown(() => decodeSafetensorsHeader(bytes.subarray(0, end - 1), "x")).code).toBe("store.corrupt");
  });
});
