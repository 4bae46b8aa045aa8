import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { complaint, fixtures, folderWith, read } from "./support.js";

const upTo24 = Array.from({ length: 24 }, (_, value) => value);

/** An IDX file: type byte, dimensions, and the bytes of the values (big endian). */
function idx(type: number, dimensions: readonly number[], bytes: Uint8Array | readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.set([0, 0, type, dimensions.length]);
  dimensions.forEach((extent, axis) => header.writeUInt32BE(extent, 4 + 4 * axis));
  return Buffer.concat([header, Uint8Array.from(bytes)]);
}

function bigEndian(write: (buffer: Buffer, at: number) => void, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  write(buffer, 0);
  return buffer;
}

describe("IDX files", () => {
  test.each([
    ["ubyte", 0x08, [200], "uint8", 200],
    ["byte", 0x09, [0xff], "int8", -1],
    ["short", 0x0b, [0xff, 0xfe], "int16", -2],
    ["int", 0x0c, [0x7f, 0xff, 0xff, 0xff], "int32", 2_147_483_647],
    ["float", 0x0d, bigEndian((buffer, at) => buffer.writeFloatBE(1.5, at), 4), "float32", 1.5],
    ["double", 0x0e, bigEndian((buffer, at) => buffer.writeDoubleBE(0.1, at), 8), "float32", Math.fround(0.1)],
  ])("of type %s", async (_, type, bytes, storage, value) => {
    const baseFolder = await folderWith({ "x.idx": idx(type, [1], bytes) });
    const found = await read({ dataset: { format: "idx", features: { file: "x.idx" } }, baseFolder });
    expect(found.fields[0]).toMatchObject({ storage, storedShape: [], shape: [1] });
    expect(found.values).toEqual([[value]]);
  });

  test("several that follow each other, compressed or not", async () => {
    const baseFolder = await folderWith({
      "a.idx": idx(8, [2, 1, 3], [1, 2, 3, 4, 5, 6]),
      "b.idx.gz": gzipSync(idx(8, [1, 1, 3], [7, 8, 9])),
      "y.idx": idx(8, [3], [0, 2, 1]),
    });
    const features = { file: ["a.idx", "b.idx.gz"], scale: 9, shape: [3] };
    const found = await read({
      dataset: { format: "idx", features, labels: { file: "y.idx", oneHot: 3 } },
      baseFolder,
    });
    expect(found.values).toEqual([
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
      [0, 2, 1],
    ]);
    expect(found.fields).toMatchObject([
      { storedShape: [1, 3], shape: [3], encoding: { kind: "affine", subtract: [0], divide: [9] } },
      { storage: "uint8", shape: [3], encoding: { kind: "oneHot", classes: 3 } },
    ]);
  });

  test.each([
    [
      "truncated.idx",
      idx(8, [9, 2], [1, 2, 3]),
      "expected 18 bytes of values for 9 rows, found 3; the file is truncated",
    ],
    ["long.idx", idx(8, [1, 2], [1, 2, 3]), "expected the end of the file after the rows that its header announces"],
    ["header.idx", Buffer.from([0, 0, 8, 3, 0, 0]), "expected an IDX header, found the end of the file"],
    [
      "other.idx",
      Buffer.from("PK\x03\x04abcdef"),
      "expected an IDX file (00 00, a type 08 ... 0e, the number of dimensions), found the bytes 50 4b 03 04",
    ],
    ["zipped.idx", gzipSync(idx(8, [1], [1])), "give it a name that ends in .gz"],
    ["plain.idx.gz", idx(8, [1], [1]), "expected gzip or deflate data, found bytes that are not"],
    [
      "cut.idx.gz",
      gzipSync(idx(8, [24], upTo24)).subarray(0, 25),
      "expected more compressed bytes, found the end of the file",
    ],
    ["huge.idx", idx(8, [1, 2 ** 31, 2 ** 31], []), "expected an array of rows with at most 8 further dimensions"],
    ["none.idx", idx(8, [1, 0], []), "expected an array of rows"],
  ])("%s is refused", async (name, bytes, message) => {
    const baseFolder = await folderWith({ [name]: bytes });
    const dataset = { format: "idx", features: { file: name } } as const;
    const text = await complaint(read({ dataset, baseFolder }));
    expect(text).toContain(`data.format: ${name}: expected `);
    expect(text).toContain(message);
  });

  test("different shapes or numbers of rows are refused", async () => {
    const baseFolder = await folderWith({ "a.idx": idx(8, [2, 2], [1, 2, 3, 4]), "b.idx": idx(8, [1, 3], [1, 2, 3]) });
    const shapes = read({ dataset: { format: "idx", features: { file: ["a.idx", "b.idx"] } }, baseFolder });
    expect(await complaint(shapes)).toContain(
      "data.format: b.idx: expected uint8 rows of shape [2] as in a.idx, found uint8 rows of shape [3].",
    );
    const rows = read({
      dataset: { format: "idx", features: { file: "a.idx" }, labels: { file: "b.idx" } },
      baseFolder,
    });
    expect(await complaint(rows)).toContain("data.length-mismatch: ");
    expect(await complaint(rows)).toContain("a.idx has 2 rows and b.idx has 1.");
  });

  test("a missing file, a folder and a missing setting are refused", async () => {
    const baseFolder = await folderWith({ "a.idx": idx(8, [1], [1]) });
    const missing = await complaint(read({ dataset: { format: "idx", features: { file: "no.idx" } }, baseFolder }));
    expect(missing).toBe(
      `data.not-readable: Cannot read the data file ${join(baseFolder, "no.idx")}: there is no such file. Nothing was written.`,
    );
    const folder = await complaint(read({ dataset: { format: "idx", features: { file: "." } }, baseFolder }));
    expect(folder).toContain("data.not-readable: ");
    expect(folder).toContain("it is a folder");
    const none = complaint(read({ dataset: { format: "idx", labels: { file: "a.idx" } }, baseFolder }));
    expect(await none).toContain("job-file.invalid: Expected `features: { file: ... }`");
  });

  test("an empty array is refused", async () => {
    const baseFolder = await folderWith({ "a.idx": idx(8, [0, 4], []) });
    const dataset = { format: "idx", features: { file: "a.idx" } } as const;
    expect(await complaint(read({ dataset, baseFolder }))).toContain("data.empty: a.idx: expected at least one row");
  });
});

describe("NPY files as numpy writes them", () => {
  test.each([
    ["u1", "uint8"],
    ["i1", "int8"],
    ["u2-le", "uint16"],
    ["i2-le", "int16"],
    ["i2-be", "int16"],
    ["i4-le", "int32"],
    ["i4-be", "int32"],
    ["u4-le", "int32"],
    ["i8-le", "int32"],
    ["i8-be", "int32"],
    ["u8-le", "int32"],
    ["f4-le", "float32"],
    ["f4-be", "float32"],
    ["f8-le", "float32"],
    ["f8-be", "float32"],
    ["version2", "float32"],
    ["version3", "float32"],
  ])("%s", async (name, storage) => {
    const found = await read({ dataset: { format: "npy", features: { file: `${name}.npy` } } });
    expect(found.fields[0]).toMatchObject({ storage, storedShape: [3, 2] });
    expect(found.values).toEqual([upTo24]);
  });

  test("bool is uint8", async () => {
    const found = await read({ dataset: { format: "npy", features: { file: "bool.npy" } } });
    expect(found.fields[0]?.storage).toBe("uint8");
    expect(found.values).toEqual([upTo24.map((value) => (value + 1) % 2)]);
  });

  test.each([
    ["fortran", "expected values in C order (row by row), found Fortran order"],
    ["object", "found object (pickled Python values)"],
    ["half", "found <f2; convert it"],
    ["structured", "expected an array of one numeric dtype, found a structured one"],
    ["scalar", "expected an array of rows, found a single value"],
  ])("%s is refused", async (name, message) => {
    const text = await complaint(read({ dataset: { format: "npy", features: { file: `${name}.npy` } } }));
    expect(text).toContain(`data.format: ${name}.npy: `);
    expect(text).toContain(message);
  });

  test("a file cut off anywhere is refused", async () => {
    const bytes = await readFile(join(fixtures, "f4-le.npy"));
    for (const length of [0, 5, 9, 40, bytes.length - 1]) {
      const baseFolder = await folderWith({ "x.npy": bytes.subarray(0, length) });
      const dataset = { format: "npy", features: { file: "x.npy" } } as const;
      expect(await complaint(read({ dataset, baseFolder }))).toContain("data.format: x.npy: ");
    }
  });

  test("NaN, infinity and numbers too large are named with their row", async () => {
    const bytes = await readFile(join(fixtures, "f8-le.npy"));
    const withValue = (value: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed.writeDoubleLE(value, bytes.length - 8 * 7);
      return changed;
    };
    for (const [value, found] of [
      [Number.NaN, "expected a number, found NaN"],
      [Number.NEGATIVE_INFINITY, "expected a number, found -Infinity"],
      [1e300, "expected a number that float32 can hold (up to 3.4e38), found 1e+300"],
    ] as const) {
      const baseFolder = await folderWith({ "x.npy": withValue(value) });
      const dataset = { format: "npy", features: { file: "x.npy" } } as const;
      expect(await complaint(read({ dataset, baseFolder }))).toContain(
        `data.not-a-number: x.npy, row 2 (counted from 0): ${found}`,
      );
    }
  });

  test("64-bit integers that do not fit 32 bits are refused", async () => {
    const bytes = await readFile(join(fixtures, "i8-le.npy"));
    bytes.writeBigInt64LE(-(2n ** 31n) - 1n, bytes.length - 8);
    const baseFolder = await folderWith({ "x.npy": bytes });
    const dataset = { format: "npy", features: { file: "x.npy" } } as const;
    expect(await complaint(read({ dataset, baseFolder }))).toContain(
      "data.format: x.npy, row 3 (counted from 0): expected a whole number of 32 bits, found -2147483649",
    );
  });
});

describe("NPZ files as numpy writes them", () => {
  test.each(["stored.npz", "deflated.npz"])("%s", async (file) => {
    const labels = { array: "y", oneHot: true };
    const found = await read({ dataset: { format: "npz", file, features: { array: "x" }, labels } });
    expect(found.values).toEqual([upTo24, [0, 1, 2, 1]]);
    expect(found.fields).toMatchObject([
      { storedShape: [3, 2] },
      { encoding: { kind: "oneHot", classes: 3 }, shape: [3] },
    ]);
  });

  test("the only array needs no name", async () => {
    expect((await read({ dataset: { format: "npz", file: "single.npz" } })).values).toEqual([upTo24]);
  });

  test.each([
    [{ features: {} }, "job-file.invalid: Expected `array` in features: stored.npz holds the arrays x, y."],
    [{ features: { array: "xx" } }, 'data.unknown-column: stored.npz: expected an array "xx", found x, y.'],
    [{ features: { file: "x.npy" } }, "job-file.invalid: Expected no `file` in features"],
  ])("refuses %j", async (spec, message) => {
    expect(await complaint(read({ dataset: { format: "npz", file: "stored.npz", ...spec } }))).toContain(message);
  });

  test("damage anywhere is noticed", async () => {
    const bytes = await readFile(join(fixtures, "deflated.npz"));
    const dataset = { format: "npz", file: "x.npz", features: { array: "x" }, labels: { array: "y" } } as const;
    const whole = await read({ dataset, baseFolder: await folderWith({ "x.npz": bytes }) });
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      const baseFolder = await folderWith({ "x.npz": damaged });
      // Times, versions and attributes of entries are not read; everything else is an error.
      const found = await read({ dataset, baseFolder }).catch((error: unknown) => error);
      if (found instanceof Error) expect(found).toMatchObject({ code: expect.stringMatching(/^data\./) });
      else expect(found).toEqual(whole);
    }
  });

  test("an entry that inflates to more than it says is refused before it fills the disk", async () => {
    const bytes = await readFile(join(fixtures, "deflated.npz"));
    // The size of entry x in the central directory, made smaller.
    const at = bytes.indexOf("PK\x01\x02", 0, "latin1");
    bytes.writeUInt32LE(bytes.readUInt32LE(at + 24) - 90, at + 24);
    const baseFolder = await folderWith({ "x.npz": bytes });
    const dataset = { format: "npz", file: "x.npz", features: { array: "x" } } as const;
    expect(await complaint(read({ dataset, baseFolder }))).toContain(
      "found the entry x.npy with another size or checksum than its directory says",
    );
  });

  test("other files are refused", async () => {
    const baseFolder = await folderWith({ "x.npz": "not a zip" });
    const dataset = { format: "npz", file: "x.npz" } as const;
    expect(await complaint(read({ dataset, baseFolder }))).toContain("data.format: x.npz: expected an NPZ file");
  });
});
