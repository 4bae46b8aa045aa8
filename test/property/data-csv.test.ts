import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { folderWith, read } from "../unit/data/support.js";

/** A number as people and programs write it. */
const numberText = fc
  .tuple(
    fc.oneof(
      fc.double({ min: -1e30, max: 1e30, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -100, max: 100_000 }),
    ),
    fc.constantFrom("shortest", "fixed", "exponential", "many digits", "sum"),
  )
  .map(([value, style]) => {
    const small = Math.abs(value) < 1e15;
    if (style === "fixed" && small) return value.toFixed(4);
    if (style === "exponential") return value.toExponential(7);
    if (style === "many digits" && small) return value.toPrecision(21);
    if (style === "sum") return String(value + 0.1);
    return String(value);
  })
  .chain((text) => fc.constantFrom(text, ` ${text}`, `${text}\t`, text.startsWith("-") ? text : `+${text}`));

interface Cell {
  readonly text: string;
  readonly quoted: boolean;
}
interface Row {
  readonly numbers: readonly Cell[];
  readonly word: Cell;
  readonly ending: string;
}

const word = fc.oneof(
  fc.constantFrom("red", "blue", "", " red", 'say "red"', "a,b", "übergrün", "'", '"'),
  fc.string({ unit: "binary", maxLength: 6 }).filter((text) => !/[\r\n\uD800-\uDFFF]/u.test(text)),
);

const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.array(
    fc.record<Row>({
      numbers: fc.array(fc.record<Cell>({ text: numberText, quoted: fc.boolean() }), {
        minLength: width,
        maxLength: width,
      }),
      word: fc.record<Cell>({ text: word, quoted: fc.boolean() }),
      ending: fc.constantFrom("\n", "\r\n", "\n\n", "\r\n\n"),
    }),
    { minLength: 1, maxLength: 12 },
  ),
);

function cellText({ text, quoted }: Cell): string {
  return quoted || /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csvOf(rows: readonly Row[], last: string, final: string): string {
  const width = rows[0]?.numbers.length ?? 0;
  const header = [...Array.from({ length: width }, (_, index) => `n${index}`), "word", "last"].join(",");
  const lines = rows.map(({ numbers, word: text, ending }) => {
    return [...numbers.map(cellText), cellText(text), last].join(",") + ending;
  });
  return `${header}\n${lines.join("")}`.replace(/[\r\n]+$/, final);
}

async function valuesIn(text: string, width: number): Promise<Awaited<ReturnType<typeof read>>> {
  const baseFolder = await folderWith({ "data.csv": text });
  const features = [{ columns: [`n0..n${width - 1}`] }, { column: "word", categories: true as const }];
  return read({ dataset: { format: "csv", file: "data.csv", features }, baseFolder });
}

describe("CSV", () => {
  test.prop([table, fc.constantFrom("", "\n", "\r\n\n")], { numRuns: 150 })(
    "the fast path, the thorough path and JavaScript's own reading of numbers agree",
    async (rows, final) => {
      const width = rows[0]?.numbers.length ?? 0;
      const fast = await valuesIn(csvOf(rows, "x", final), width);
      // A line break in quotes in every record, which the fast path leaves alone.
      const thorough = await valuesIn(csvOf(rows, '"x\ny"', final), width);
      expect(thorough).toEqual(fast);
      const texts = [...new Set(rows.map((row) => row.word.text))];
      expect(fast.fields[1]?.encoding).toEqual({ kind: "oneHot", classes: texts.length, categories: texts });
      expect(fast.values[0]).toEqual(
        rows.flatMap(({ numbers }) => numbers.map(({ text }) => Math.fround(Number(text)))),
      );
      expect(fast.values[1]).toEqual(rows.map((row) => texts.indexOf(row.word.text)));
    },
  );

  test.prop(
    [fc.string({ unit: fc.constantFrom("1", "2", ".", "-", "e", ",", '"', "\n", "\r", " ", "x"), maxLength: 40 })],
    {
      numRuns: 300,
    },
  )("any text is read as a table of numbers or refused with a data error", async (text) => {
    const baseFolder = await folderWith({ "data.csv": text });
    const dataset = { format: "csv", file: "data.csv", header: false } as const;
    const found = await read({ dataset, baseFolder }).catch((error: unknown) => error);
    if (found instanceof Error) expect(found).toMatchObject({ code: expect.stringMatching(/^data\./) });
    else expect(found).toMatchObject({ values: [expect.any(Array)] });
  });
});
