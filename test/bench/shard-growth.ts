import { fork } from "node:child_process";
import { join } from "node:path";
import * as z from "zod";
import { Refusal } from "./measure.js";

export interface GrowthOptions {
  readonly file: string;
  readonly partitions: number;
  /** An empty folder for the store. */
  readonly home: string;
}

const Growth = z.strictObject({ bytes: z.number() });

/** The bytes by which sharding a CSV file raises the peak memory of a process that does nothing else. */
export async function shardGrowth({ file, partitions, home }: GrowthOptions): Promise<number> {
  const child = fork(join(import.meta.dirname, "shard-growth-process.ts"), [file, String(partitions), home]);
  const message = new Promise<unknown>((resolve) => child.once("message", resolve));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code !== 0) throw new Refusal(`Sharding ${file} in a process of its own ended with exit code ${code}.`);
  return Growth.parse(await message).bytes;
}
