import { describe, expect, test } from "vitest";
import { encodeRows, encodedWidth, sizeOf, tensorOf, type Field } from "@stampede/core";
import { memorySource } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { complaint, folderWith, read, readCsv, shard, type ReadSet } from "./support.js";

/** What the model is fed, by the encoding in the manifest. */
function fed({ fields, values }: ReadSet, index: number): readonly number[] {
  const field = fields[index] as Field;
  const stored = Float32Array.from(values[index] ?? []);
  const rows = stored.length / sizeOf(field.storedShape);
  const out = new Float32Array(rows * encodedWidth(field));
  encodeRows(field, stored, { from: 0, to: rows }, out);
  expect(sizeOf(field.shape)).toBe(encodedWidth(field));
  return [...out];
}

describe("classes", () => {
  const text = "a,label\n1,2\n2,0\n3,1\n";

  test("one-hot with a number of classes", async () => {
    const found = await readCsv(text, { labels: { column: "label", oneHot: 4 } });
    expect(found.fields[1]).toMatchObject({
      storage: "uint8",
      storedShape: [],
      shape: [4],
      encoding: { kind: "oneHot", classes: 4 },
    });
    expect(fed(found, 1)).toEqual([0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0]);
  });

  test("the number of classes from the data", async () => {
    const oneHot = await readCsv(text, { labels: { column: "label", oneHot: true } });
    expect(oneHot.fields[1]).toMatchObject({ storage: "int32", shape: [3], encoding: { classes: 3 } });
    const classes = await readCsv(text, { labels: { column: "label", classes: true } });
    expect(classes.fields[1]).toMatchObject({ shape: [1], encoding: { kind: "classIndex", classes: 3 } });
    expect(fed(classes, 1)).toEqual([2, 0, 1]);
  });

  test("more than 255 classes need more than a byte", async () => {
    const { fields } = await readCsv("a,label\n1,255\n", { labels: { column: "label", oneHot: 256 } });
    expect(fields[1]?.storage).toBe("int32");
  });

  test("several columns of classes, as for embeddings", async () => {
    const found = await readCsv("a,b\n1,0\n4,2\n", { features: { classes: 5 } });
    expect(found.fields[0]).toMatchObject({
      shape: [2],
      storedShape: [2],
      encoding: { kind: "classIndex", classes: 5 },
    });
    expect((await readCsv("a,b\n1,0\n4,2\n", { features: { oneHot: 5 } })).fields[0]).toMatchObject({ shape: [2, 5] });
  });

  test.each(["3", "-1", "0.5", "3.0000000000000009", "1e9"])("a label %s of three classes is refused", async (cell) => {
    const found = readCsv(`a,label\n1,2\n2,${cell}\n`, { labels: { column: "label", oneHot: 3 } });
    const message = `data.csv:3, column "label": expected a whole number in 0 ... 2, found ${Number(cell)}.`;
    expect(await complaint(found)).toContain(`data.label-out-of-range: ${message}`);
  });

  test("64-bit integers of NPY files are labels too", async () => {
    const dataset = {
      format: "npz",
      file: "stored.npz",
      features: { array: "x" },
      labels: { array: "y", classes: 3 },
    } as const;
    const found = await read({ dataset });
    expect(found.fields[1]).toMatchObject({ storage: "uint8", shape: [1] });
    expect(found.values[1]).toEqual([0, 1, 2, 1]);
  });
});

describe("scaling and standardising", () => {
  test("scale divides every value", async () => {
    const found = await readCsv("a,b\n1,2\n3,4\n", { features: { scale: 2 } });
    expect(found.fields[0]?.encoding).toEqual({ kind: "affine", subtract: [0], divide: [2] });
    expect(fed(found, 0)).toEqual([0.5, 1, 1.5, 2]);
  });

  test("standardise takes mean and deviation of each column; a constant column becomes 0", async () => {
    const found = await readCsv("a,b,c\n1,5,-1e4\n2,5,1e4\n3,5,0\n", { features: { standardize: true } });
    const deviation = Math.sqrt(2 / 3);
    expect(found.fields[0]?.encoding).toEqual({
      kind: "affine",
      subtract: [2, 5, 0],
      divide: [Math.fround(deviation), 1, Math.fround(1e4 * deviation)],
    });
    const [a, b, c] = fed(found, 0);
    expect(a).toBeCloseTo(-1 / deviation, 6);
    expect(b).toBe(0);
    expect(c).toBeCloseTo(-1 / deviation, 6);
    expect(found.values[0]?.slice(0, 3)).toEqual([1, 5, -1e4]);
  });

  test("standardise survives a mean that dwarfs the deviation, over several blocks", async () => {
    const rows = 200_000;
    const values = Float32Array.from({ length: rows }, (_, row) => 1_000_000 + (row % 2));
    const dataset = memorySource({ x: tensorOf(values, [rows, 1]), xOptions: { standardize: true } });
    const { train } = await shard({ dataset });
    expect(train.manifest.fields[0]?.encoding).toEqual({ kind: "affine", subtract: [1_000_000.5], divide: [0.5] });
  });

  test("held out rows do not count", async () => {
    const rows = 1_000;
    const x = Float32Array.from({ length: rows }, (_, row) => row);
    const dataset = memorySource({ x: tensorOf(x, [rows, 1]), xOptions: { standardize: true } });
    const store = new MemoryObjectStore();
    const { train, validation } = await shard(
      { dataset, order: "shuffled", validationSplit: 0.5, partitions: 2 },
      { store },
    );
    expect(validation?.manifest.fields).toEqual(train.manifest.fields);
    const encoding = train.manifest.fields[0]?.encoding;
    const mean = encoding?.kind === "affine" ? encoding.subtract[0] : undefined;
    expect(mean).not.toBe(499.5);
    expect(Math.abs((mean ?? 0) - 499.5)).toBeLessThan(60);
  });
});

describe("categories", () => {
  const text = "size,colour,price,side\n1,red,10,left\n2,blue,20,right\n3,red,30,left\n";

  test("are numbered in order of appearance and become one-hot beside numbers", async () => {
    const found = await readCsv(text, {
      features: { columns: ["size..price"], categories: ["colour"], scale: 10 },
      labels: { column: "side", categories: true, classes: true },
    });
    expect(found.fields[0]).toMatchObject({
      storage: "float32",
      storedShape: [3],
      shape: [4],
      encoding: {
        kind: "columns",
        columns: [
          { kind: "affine", subtract: [0], divide: [10] },
          { kind: "oneHot", classes: 2, categories: ["red", "blue"] },
          { kind: "affine", subtract: [0], divide: [10] },
        ],
      },
    });
    expect(fed(found, 0).slice(0, 8)).toEqual([Math.fround(0.1), 1, 0, 1, Math.fround(0.2), 0, 1, 2]);
    expect(found.fields[1]?.encoding).toEqual({ kind: "classIndex", classes: 2, categories: ["left", "right"] });
    expect(found.values[1]).toEqual([0, 1, 0]);
  });

  test("of a label are one-hot by default, and beside standardised numbers too", async () => {
    const found = await readCsv(text, {
      features: { columns: ["size", "colour"], categories: ["colour"], standardize: true },
      labels: { column: "side", categories: true },
    });
    expect(found.fields[0]?.encoding).toMatchObject({ columns: [{ subtract: [2] }, { categories: ["red", "blue"] }] });
    expect(found.fields[1]).toMatchObject({ shape: [2], encoding: { kind: "oneHot", categories: ["left", "right"] } });
  });

  test("are texts as they stand, in quotes or not, beyond ASCII", async () => {
    const found = await readCsv('c\n"São ""Paulo"""\nx\n"x"\n" x"\n"a\nb"\n', {
      features: { column: "c", categories: true },
    });
    const encoding = found.fields[0]?.encoding;
    expect(encoding).toMatchObject({ kind: "oneHot", categories: ['São "Paulo"', "x", " x", "a\nb"] });
    expect(found.values[0]).toEqual([0, 1, 1, 2, 3]);
  });

  test.each([
    [
      { features: { columns: ["size"], categories: ["colour"] } },
      'data.unknown-column: data.csv: expected a column "colour", found size.',
    ],
    [
      { labels: { columns: ["side", "colour"], categories: true } },
      "job-file.invalid: Expected a single `column` for categories",
    ],
    [
      { features: { columns: ["size", "colour"], categories: true, classes: true } },
      "job-file.invalid: Expected a single `column`",
    ],
    [
      { features: { column: "size" }, labels: { column: "side", categories: true, oneHot: 1 } },
      'data.label-out-of-range: data.csv:3, column "side": expected at most 1',
    ],
  ])("refuses %j", async (spec, message) => {
    expect(await complaint(readCsv(text, spec))).toContain(message);
  });
});

describe("preprocessing fixed by the training data", () => {
  const spec = {
    format: "csv",
    file: "train.csv",
    features: { columns: ["a", "colour"], categories: ["colour"], standardize: true },
    labels: { column: "side", categories: true },
  } as const;
  const files = {
    "train.csv": "a,colour,side\n1,red,l\n3,blue,r\n",
    "other.csv": "side,colour,a\nr,blue,5\n",
    "new-colour.csv": "a,colour,side\n1,green,l\n",
    "new-label.csv": "a,colour,side\n1,red,up\n",
    "unlabelled.csv": "a,colour\n7,red\n",
  };

  async function trained(): Promise<{ baseFolder: string; preprocessing: readonly Field[] }> {
    const baseFolder = await folderWith(files);
    const { train } = await shard({ dataset: spec, baseFolder });
    return { baseFolder, preprocessing: train.manifest.fields };
  }

  test("keeps categories and statistics", async () => {
    const { baseFolder, preprocessing } = await trained();
    const found = await read({ dataset: { ...spec, file: "other.csv" }, baseFolder, preprocessing });
    expect(found.fields).toEqual(preprocessing);
    expect(found.values).toEqual([[5, 1], [1]]);
  });

  test("takes the columns trained on when none are named", async () => {
    const { baseFolder, preprocessing } = await trained();
    const dataset = { format: "csv", file: "unlabelled.csv" } as const;
    const found = await read({ dataset, baseFolder, preprocessing, labels: "ignore" });
    expect(found.fields).toEqual(preprocessing.slice(0, 1));
    expect(found.values).toEqual([[7, 0]]);
  });

  test("labels can be left out", async () => {
    const { baseFolder, preprocessing } = await trained();
    const found = await read({
      dataset: { ...spec, file: "unlabelled.csv" },
      baseFolder,
      preprocessing,
      labels: "ignore",
    });
    expect(found.fields.map(({ role }) => role)).toEqual(["feature"]);
  });

  test.each([
    [
      "new-colour.csv",
      'new-colour.csv:2, column "colour": expected one of the 2 texts of the training data, found "green".',
    ],
    ["new-label.csv", 'new-label.csv:2, column "side": expected one of the 2 texts of the training data, found "up".'],
  ])("unknown texts are refused: %s", async (file, message) => {
    const { baseFolder, preprocessing } = await trained();
    expect(await complaint(read({ dataset: { ...spec, file }, baseFolder, preprocessing }))).toContain(
      `data.unknown-category: ${message}`,
    );
  });

  test("classes learned from training hold, in the same storage", async () => {
    const preprocessing = (await readCsv("a,y\n1,2\n", { labels: { column: "y", oneHot: true } })).fields;
    const baseFolder = await folderWith({ "good.csv": "a,y\n1,0\n", "bad.csv": "a,y\n1,3\n" });
    const dataset = (file: string) => ({ format: "csv", file, labels: { column: "y", oneHot: true } }) as const;
    expect((await read({ dataset: dataset("good.csv"), baseFolder, preprocessing })).fields).toEqual(preprocessing);
    expect(await complaint(read({ dataset: dataset("bad.csv"), baseFolder, preprocessing }))).toContain(
      'data.label-out-of-range: bad.csv:2, column "y": expected a whole number in 0 ... 2, found 3.',
    );
  });

  test("other widths and more fields are refused", async () => {
    const { fields } = await readCsv("a,b\n1,2\n");
    const wide = memorySource({ x: [[1, 2, 3]] });
    expect(await complaint(read({ dataset: wide, preprocessing: fields }))).toContain(
      "model.data-mismatch: Expected 2 values a row as in the training data in features, found 3.",
    );
    const labelled = memorySource({ x: [[1, 2]], y: [1] });
    expect(await complaint(read({ dataset: labelled, preprocessing: fields }))).toContain(
      "model.data-mismatch: Expected 0 label field(s) as in the training data, found 1.",
    );
  });
});
