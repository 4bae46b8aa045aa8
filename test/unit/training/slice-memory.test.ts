import { fork } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";

const Told = z.object({
  contributions: z.number(),
  slices: z.number(),
  peakBytes: z.number(),
  gets: z.number(),
  lists: z.number(),
});

async function averaged(partitions: number): Promise<z.infer<typeof Told>> {
  const child = fork(join(import.meta.dirname, "slice-memory-process.ts"), [String(partitions)], {
    execArgv: ["--import", "tsx"],
  });
  const message = new Promise<unknown>((resolve) => child.once("message", resolve));
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return Told.parse(await message);
}

it(
  "averaging 10,000 deltas of half a megabyte in slices takes little more memory than 100",
  { timeout: 300_000 },
  async () => {
    const few = await averaged(100);
    const many = await averaged(10_000);
    expect(many).toMatchObject({ contributions: 10_000, slices: 2 });
    // A header and two parts of each, and for each of 157 groups two plans and two sums, and once more its plan.
    expect(many.gets).toBeLessThanOrEqual(3 * 10_000 + 5 * 157 + 20);
    expect(many.lists).toBeLessThanOrEqual(4);
    // What is said of each contribution is in memory, of 5 GB of deltas nothing that has been added.
    expect(many.peakBytes - few.peakBytes).toBeLessThan(160e6);
  },
);
