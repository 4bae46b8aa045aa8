import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { complaint, errorOf, folderWith, read, readCsv, rowsOf } from "./support.js";

describe("columns of a CSV file", () => {
  const text = "id,a,b,c,side\n1,10,20,30,0\n2,11,21,31,1\n";

  test("all columns but the labels' are features by default", async () => {
    const found = await readCsv(text, { labels: { column: "side" } });
    expect(
      found.fields.map(({ name, columns, storedShape, shape }) => ({ name, columns, storedShape, shape })),
    ).toEqual([
      { name: "features", columns: ["id", "a", "b", "c"], storedShape: [4], shape: [4] },
      { name: "labels", columns: ["side"], storedShape: [], shape: [1] },
    ]);
    expect(rowsOf(found, 0)).toEqual([
      [1, 10, 20, 30],
      [2, 11, 21, 31],
    ]);
    expect(found.values[1]).toEqual([0, 1]);
  });

  test("there are no labels by default", async () => {
    const { fields } = await readCsv(text);
    expect(fields.map(({ columns }) => columns)).toEqual([["id", "a", "b", "c", "side"]]);
  });

  test("ranges follow the header", async () => {
    const found = await readCsv(text, { features: { columns: ["side", "a..c"] } });
    expect(rowsOf(found, 0)[0]).toEqual([0, 10, 20, 30]);
  });

  test("a name that contains two dots is a name first", async () => {
    const found = await readCsv("a..b,c\n1,2\n", { features: { columns: ["a..b"] } });
    expect(found.values).toEqual([[1]]);
  });

  test("several inputs and outputs, a column in more than one", async () => {
    const features = [{ columns: ["a", "b"] }, { column: "a" }];
    const found = await readCsv(text, { features, labels: [{ column: "side" }, { column: "a" }] });
    expect(found.fields.map(({ name }) => name)).toEqual(["features0", "features1", "labels0", "labels1"]);
    expect(found.values).toEqual([
      [10, 20, 11, 21],
      [10, 11],
      [0, 1],
      [10, 11],
    ]);
  });

  test("without a header columns are called 0, 1, 2", async () => {
    const found = await readCsv("1,2,3\n4,5,6\n", {
      header: false,
      features: { columns: ["1..2"] },
      labels: { column: "0" },
    });
    expect(found.values).toEqual([
      [2, 3, 5, 6],
      [1, 4],
    ]);
    expect(found.fields[0]?.columns).toEqual(["1", "2"]);
  });

  test("a shape of its own", async () => {
    const { fields } = await readCsv("1,2,3,4\n", { header: false, features: { shape: [2, 2] } });
    expect(fields[0]).toMatchObject({ storedShape: [4], shape: [2, 2] });
  });

  test.each([
    [
      { features: { column: "sidee" } },
      'data.unknown-column: data.csv: expected a column "sidee", found id, a, b, c, side. Did you mean "side"?',
    ],
    [{ features: { columns: ["c..a"] } }, "job-file.invalid: Expected a range in the order of the header"],
    [
      { features: { column: "a", columns: ["b"] } },
      "job-file.invalid: Expected either `column` or `columns` in features, found both.",
    ],
    [{ labels: {} }, "job-file.invalid: Expected `column` or `columns` in labels"],
    [{ features: { array: "x" } }, "job-file.invalid: Expected no `array` in features of a data set of format csv"],
    [{ features: { shape: [3] } }, "job-file.invalid: Expected a shape of 5 elements for features"],
    [
      { features: { scale: 2, standardize: true } },
      "job-file.invalid: Expected either `scale` or `standardize`, found both in features.",
    ],
    [{ labels: { column: "a", oneHot: 3, classes: 3 } }, "job-file.invalid: Expected either `oneHot` or `classes`"],
    [{ delimiter: "ü" }, "job-file.invalid: Expected an ASCII character"],
    [
      { features: [{ columns: ["a", "b"] }, {}], labels: [{ columns: ["id..side"] }] },
      "data.unknown-column: data.csv: expected columns for features[1]",
    ],
  ])("refuses %j", async (spec, message) => {
    expect(await complaint(readCsv(text, spec))).toContain(message);
  });

  test("refuses a name that two columns share", async () => {
    expect(await complaint(readCsv("a,a\n1,2\n", { features: { column: "a" } }))).toContain(
      "data.format: data.csv: expected one column",
    );
  });
});

describe("the text of a CSV file", () => {
  test.each([
    ["a byte order mark", "\uFEFFa,b\n1,2\n3,4\n"],
    ["CRLF", "a,b\r\n1,2\r\n3,4\r\n"],
    ["no newline at the end", "a,b\n1,2\n3,4"],
    ["blank lines", "\na,b\n\n1,2\n\r\n3,4\n\n\n"],
    ["quotes", '"a","b"\n"1",2\n3,"4"\n'],
    ["blanks around numbers", "a,b\n 1,2 \n3,\t4\n"],
    ["signs, fractions and exponents", "a,b\n+1.0,20e-1\n.3e1,4.\n"],
    ["quotes across lines", '"a","b"\n1,2\n3,"4"\n'],
  ])("may have %s", async (_, text) => {
    const found = await readCsv(text);
    expect(found.fields[0]?.columns).toEqual(["a", "b"]);
    expect(found.values).toEqual([[1, 2, 3, 4]]);
  });

  test("may use another delimiter", async () => {
    expect((await readCsv("a;b\n1;2\n", { delimiter: ";" })).values).toEqual([[1, 2]]);
    expect((await readCsv("a\tb\n1\t2\n", { delimiter: "\t" })).values).toEqual([[1, 2]]);
  });

  test("may be compressed", async () => {
    const baseFolder = await folderWith({ "data.csv.gz": gzipSync("a,b\n1,2\n") });
    expect((await read({ dataset: { format: "csv", file: "data.csv.gz" }, baseFolder })).values).toEqual([[1, 2]]);
  });

  test("may be spread over files that follow each other", async () => {
    const baseFolder = await folderWith({ "1.csv": "a,b\n1,2\n", "2.csv": "a,b\r\n3,4", "3.csv": "a,c\n5,6\n" });
    const spec = (file: string[]) => ({ dataset: { format: "csv" as const, file }, baseFolder });
    expect((await read(spec(["1.csv", "2.csv"]))).values).toEqual([[1, 2, 3, 4]]);
    const message = '3.csv: expected the header of the first file, found "c" instead of "b" as column 2.';
    expect(await complaint(read(spec(["1.csv", "3.csv"])))).toContain(`data.format: ${message}`);
  });

  test("ignored columns may hold anything, also line breaks and doubled quotes", async () => {
    const text = 'note,a\n"one\ntwo",1\n"say ""hi""",2\n"x, y",3\n"",4\n';
    expect((await readCsv(text, { features: { column: "a" } })).values).toEqual([[1, 2, 3, 4]]);
  });

  test("numbers become the nearest float32", async () => {
    const cells = ["0.1", "16777217", "1e-45", "3.4028234e38", "-0.30000000000000004", "123456789.123456789"];
    const found = await readCsv(`a\n${cells.join("\n")}\n`);
    expect(found.values[0]).toEqual(cells.map((cell) => Math.fround(Number(cell))));
    expect(found.fields[0]?.storage).toBe("float32");
  });
});

describe("bad cells", () => {
  test.each([
    ["text", "big", '"big"'],
    ["an empty cell", "", "an empty cell"],
    ["blanks", "  ", "an empty cell"],
    ["NaN", "NaN", '"NaN"'],
    ["infinity", "Infinity", '"Infinity"'],
    ["hex", "0x10", '"0x10"'],
    ["two dots", "1.2.3", '"1.2.3"'],
    ["a quoted word", '"big"', '"big"'],
  ])("%s among numbers is named with file, line and column", async (_, cell, found) => {
    const text = `a,b\n1,2\n\n3,${cell}\n`;
    expect(await complaint(readCsv(text))).toBe(
      `data.not-a-number: data.csv:4, column "b": expected a number, found ${found}. Nothing was written.`,
    );
    const { details } = await errorOf(readCsv(text));
    expect(details).toMatchObject({ line: 4, column: "b" });
  });

  test("is named in the second file and after quoted line breaks, too", async () => {
    const baseFolder = await folderWith({ "1.csv": "t,b\nx,1\n", "2.csv": 't,b\n"y\ny",2\nz,no\n' });
    const dataset = { format: "csv", file: ["1.csv", "2.csv"], features: { column: "b" } } as const;
    expect(await complaint(read({ dataset, baseFolder }))).toContain(
      '2.csv:4, column "b": expected a number, found "no".',
    );
  });

  test("a number too large for float32 is refused", async () => {
    const message = 'data.csv:2, column "a": expected a number that float32 can hold (up to 3.4e38), found 1e+39.';
    expect(await complaint(readCsv("a\n1e39\n"))).toContain(`data.not-a-number: ${message}`);
  });

  test.each([
    ["few", "1\n", 1],
    ["many", "1,2,3,4\n", 4],
    ["many in quotes", '1,2,"3","4"\n', 4],
    ["many with a line break", '1,"2\n2","3","4"\n', 4],
  ])("a row with too %s cells is named with file and line", async (_, row, count) => {
    expect(await complaint(readCsv(`a,b\n1,2\n${row}`, { features: { column: "a" } }))).toBe(
      `data.ragged-row: data.csv:3: expected 2 cells, found ${count}. Nothing was written.`,
    );
  });

  test.each([
    ["a quote inside a cell", 'a\n1\n2"\n', "data.csv:3"],
    ["text after a quote", 'a\n"1"2\n', "data.csv:2"],
    ["a quote left open", 'a\n1\n"2\n3\n', "data.csv:3"],
  ])("%s is refused", async (_, text, place) => {
    const message = await complaint(readCsv(text));
    expect(message).toContain(`data.format: ${place}: expected quotes only around a whole cell`);
  });

  test("UTF-16 is refused", async () => {
    expect(await complaint(readCsv(Buffer.from("\uFEFFa\n1\n", "utf16le")))).toContain(
      "data.format: data.csv: expected UTF-8 text",
    );
  });

  test.each([
    ["", "expected a header and rows, found an empty file"],
    ["a,b\n", "expected at least one row, found none"],
    ["\n\n", "expected a header and rows, found an empty file"],
  ])("a file without rows (%j) is refused", async (text, message) => {
    expect(await complaint(readCsv(text))).toContain(`data.empty: data.csv: ${message}`);
  });
});
