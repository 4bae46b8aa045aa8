import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { createEngine } from "@stampede/runtime";
import { beforeAll, describe, expect, it } from "vitest";
import { atOnce, repeatedCases, trainedBits, type Split } from "./bits.js";

const program = new URL("./bits-process.ts", import.meta.url);

/** `--import` is for the main thread of a process only. */
const typeScript = `import("tsx/esm/api").then(({ register }) => (register(), import("${program.href}")))`;

let expected: readonly string[] = [];
beforeAll(async () => {
  await createEngine("tfjs-cpu");
  const bits: string[] = [];
  for (const each of repeatedCases) bits.push(await trainedBits(each, atOnce));
  expected = bits;
});

const single = Array.from({ length: 11 }, (_, batch) => [batch, batch + 1] as const);
const splits: readonly { readonly what: string; readonly split: Split }[] = [
  { what: "again", split: atOnce },
  { what: "with a call for each batch", split: { calls: single, fresh: false } },
  {
    what: "in calls of many sizes, one of them empty",
    split: {
      calls: [
        [0, 3],
        [3, 3],
        [3, 10],
        [10, 11],
      ],
      fresh: false,
    },
  },
  {
    what: "by sessions that go on from saved state",
    split: {
      calls: [
        [0, 1],
        [1, 6],
        [6, 11],
      ],
      fresh: true,
    },
  },
];

const named = repeatedCases.map((each, index) => [each.name, each, index] as const);
describe.each(named)("%s has the same bits", (_, each, index) => {
  it.each(splits)("$what", async ({ split }) => {
    expect(await trainedBits(each, split)).toBe(expected[index]);
  });

  it("but others with another key", async () => {
    expect(await trainedBits(each, atOnce, 12)).not.toBe(expected[index]);
  });
});

it("computes the same bits in another process, from graphs that it makes itself", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program.pathname]);
  expect(JSON.parse(stdout)).toEqual(expected);
});

it("computes the same bits in two threads at once", async () => {
  const inThread = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(typeScript, { eval: true });
      worker.once("message", resolve);
      worker.once("error", reject);
    });
  expect(await Promise.all([inThread(), inThread()])).toEqual([expected, expected]);
});
