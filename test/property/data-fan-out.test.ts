import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { datasetObjects, differences, inOnePass, ShardWorld, type FileWish } from "../support/shard-world.js";

/** Many functions make of a file what one pass makes of it: the same objects, byte for byte. */

/** Each case makes some blocks of 8 MiB twice. */
const timeoutMs = 240_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-fan-out-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function expectSame(wish: FileWish, world: ShardWorld): Promise<void> {
  await world.make(wish);
  expect(differences(await datasetObjects(world.store), await inOnePass(wish))).toEqual([]);
}

/** `rows` rows of `width` pseudo-random float64 values, as an NPY file. */
function npy(rows: number, width: number): Buffer {
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${width}), }`.padEnd(117) + "\n";
  const start = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"), Buffer.from(header)]);
  const values = Float64Array.from({ length: rows * width }, (_, at) => ((at * 2_654_435_761) % 1_000_003) / 997 - 500);
  return Buffer.concat([start, Buffer.from(values.buffer)]);
}

const dealt = fc.record({
  partitions: fc.integer({ min: 1, max: 9 }),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  split: fc.constantFrom(undefined, 0.1, 0.37),
  kept: fc.boolean(),
});

function settings({ partitions, seed, split, kept }: typeof dealt extends fc.Arbitrary<infer T> ? T : never) {
  const order = kept ? ("kept" as const) : ("shuffled" as const);
  return {
    baseFolder: folder,
    partitions,
    order,
    seed,
    ...(kept || split === undefined ? {} : { validationSplit: split }),
  };
}

describe("rows of fixed size", () => {
  // A block of 8 MiB holds 26 such rows.
  const width = 40_000;
  const files = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 2 });

  test.prop([files, dealt, fc.integer({ min: 30_000, max: 400_000 }), fc.boolean(), fc.nat()], { numRuns: 4 })(
    "any cut of any files into any number of functions",
    async (rows, how, task, standardize, chance) => {
      const total = rows.reduce((sum, each) => sum + each, 0);
      fc.pre(total >= 30);
      const names = rows.map((_, index) => `x${index}.npy`);
      for (const [index, name] of names.entries()) await writeFile(join(folder, name), npy(rows[index] ?? 0, width));
      await expectSame(
        { ...settings(how), dataset: { format: "npy", features: { file: names, standardize } } },
        new ShardWorld({ seed: chance, limits: { taskBytes: 64 * task } }),
      );
    },
    timeoutMs,
  );
});

describe("CSV", () => {
  const cell = fc.constantFrom(
    "red",
    "blue",
    '"a, b"',
    '"two\nlines"',
    '"two\r\nlines"',
    '"say ""no"""',
    '""',
    '"\n"',
    "ünï",
  );
  const lineEnd = fc.constantFrom("\n", "\n", "\r\n", "\n\n", "\n\r\n");
  const row = fc.tuple(fc.integer({ min: -99, max: 99 }), cell, lineEnd).map(([n, text, end]) => `${n},${text}${end}`);
  const file = fc.record({
    rows: fc.array(row, { minLength: 0, maxLength: 50, size: "max" }),
    mark: fc.boolean(),
    blank: fc.constantFrom("", "\n", "\r\n\n"),
    end: fc.constantFrom("", "7,red", '8,"blue"\r', "\r", "\r\n"),
  });
  const texts = fc.array(file, { minLength: 1, maxLength: 2 });

  test.prop(
    [texts, dealt, fc.integer({ min: 2, max: 30 }), fc.integer({ min: 64, max: 400 }), fc.boolean(), fc.nat()],
    {
      numRuns: 6,
    },
  )(
    "any cut, also inside quotes and line breaks",
    async (files, how, task, indexBytes, header, chance) => {
      const contents = files.map(({ rows, mark, blank, end }) =>
        [mark ? "\uFEFF" : "", blank, header ? "n,colour\n" : "", ...rows, end].join(""),
      );
      const rows = files.reduce((sum, each) => sum + each.rows.length, 0);
      fc.pre(rows >= 30 && (header || files[0]?.rows.length !== 0));
      const names = contents.map((_, index) => `t${index}.csv`);
      for (const [index, name] of names.entries()) await writeFile(join(folder, name), contents[index] ?? "");
      const [number, text] = header ? ["n", "colour"] : ["0", "1"];
      // One column so many times that a block holds few rows.
      const features = { columns: Array.from({ length: 40_000 }, () => number), standardize: true };
      const labels = { column: text, categories: true } as const;
      await expectSame(
        { ...settings(how), dataset: { format: "csv", file: names, header, features, labels } },
        new ShardWorld({ seed: chance, limits: { taskBytes: 64 * task, indexBytes } }),
      );
    },
    timeoutMs,
  );
});

describe("functions that die, run twice or wake up late", () => {
  const fates = fc.record({
    twice: fc.integer({ min: 0, max: 30 }),
    lost: fc.integer({ min: 0, max: 20 }),
    refused: fc.integer({ min: 0, max: 10 }),
    later: fc.integer({ min: 0, max: 20 }),
  });

  test.prop([fates, fc.nat(), dealt], { numRuns: 3 })(
    "make the same",
    async ({ twice, lost, refused, later }, chance, how) => {
      const rows = 70;
      const text = Array.from({ length: rows }, (_, at) => `${at},"x\n${at % 11}"\n`).join("");
      await writeFile(join(folder, "some.csv"), `n,t\n${text}`);
      const features = { columns: Array.from({ length: 40_000 }, () => "n"), standardize: true };
      const dataset = { format: "csv", file: "some.csv", features, labels: { column: "t", categories: true } } as const;
      const attempts = new Map<string, number>();
      const world = new ShardWorld({
        seed: chance,
        limits: { taskBytes: 256 },
        fate({ step, attempt }, random) {
          const name = `${step.kind}-${step.index}`;
          attempts.set(name, attempt);
          // The last attempt that a step may have goes well.
          if (attempt % 4 === 0) return "run";
          const drawn = random() % 100;
          if (drawn < twice) return "twice";
          if (drawn < twice + lost) return "lost";
          if (drawn < twice + lost + refused) return "refused";
          return drawn < twice + lost + refused + later ? "later" : "run";
        },
      });
      const wish = { ...settings(how), dataset };
      await expectSame(wish, world);
      const before = await datasetObjects(world.store);
      await world.wake();
      await world.run();
      expect(differences(await datasetObjects(world.store), before)).toEqual([]);
      expect(Math.max(...attempts.values())).toBeLessThanOrEqual(4);
    },
    timeoutMs,
  );
});
