import { fork } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as z from "zod";

const Told = z.object({ rows: z.number(), runs: z.number(), peakBytes: z.number() });

async function sharded(megabytes: number): Promise<z.infer<typeof Told>> {
  const child = fork(join(import.meta.dirname, "memory-process.ts"), [String(megabytes)], {
    execArgv: ["--import", "tsx"],
  });
  const message = new Promise<unknown>((resolve) => child.once("message", resolve));
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  return Told.parse(await message);
}

it("a file of 300 MB takes no more memory than one of 40 MB", { timeout: 300_000 }, async () => {
  const small = await sharded(40);
  const large = await sharded(300);
  expect(small.runs).toBe(2);
  expect(large).toMatchObject({ rows: 382_653, runs: 9 });
  // All steps were done by this one process; the file is seven times as large.
  expect(large.peakBytes - small.peakBytes).toBeLessThan(100e6);
  expect(large.peakBytes).toBeLessThan(300e6);
});
