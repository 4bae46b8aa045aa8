import { createHash } from "node:crypto";
import { HashFact } from "@stampede/core";
import { openRange } from "../files/byte-reader.js";
import { refusal, stopIfAborted } from "../refusal.js";
import type { DataFile } from "../files/data-file.js";
import { hashCuts, type FileCut } from "./cuts.js";
import { continueHash, emptyHash, finishHash, hashBlockBytes } from "./sha256.js";
import { openSharding, readFact, type Sharding, type ShardStepDeps } from "./sharding.js";

const chunkBytes = 4 * 1024 * 1024;

/** Hashes one piece of a file, from where the step before has put it down. */
export async function hashPiece(sharding: Sharding, index: number, deps: ShardStepDeps): Promise<HashFact> {
  const cut = hashCuts(sharding.request)[index];
  const file = cut && openSharding(sharding, deps).files[cut.file];
  if (cut === undefined || file === undefined) throw refusal("internal.unexpected", `There is no piece ${index}.`);
  if (cut.start === 0 && cut.last) return { version: 1, state: await hashWhole(file, cut, deps), complete: true };
  const before =
    cut.start === 0
      ? emptyHash
      : (await readFact(deps.store, sharding, HashFact, { kind: "hash", index: index - 1 })).state;
  let state = before;
  let last: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunksOf(file, cut, deps)) {
    const whole = chunk.length - (chunk.length % hashBlockBytes);
    state = continueHash(state, chunk.subarray(0, whole));
    last = chunk.subarray(whole);
  }
  // Only the end of a file is no whole number of blocks.
  if (cut.last) return { version: 1, state: finishHash(state, last, cut.end), complete: true };
  return { version: 1, state, complete: false };
}

async function hashWhole(file: DataFile, cut: FileCut, deps: ShardStepDeps): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(file, cut, deps)) hash.update(chunk);
  return hash.digest("hex");
}

/** A chunk is valid until the next is asked for. */
async function* chunksOf(file: DataFile, { start, end }: FileCut, { signal }: ShardStepDeps): AsyncGenerator<Buffer> {
  const reader = await openRange(file, { start, end });
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, end - start)));
    for (let filled = chunk.length; filled === chunk.length;) {
      stopIfAborted(signal);
      filled = await reader.read(chunk);
      if (filled > 0) yield chunk.subarray(0, filled);
    }
  } finally {
    await reader.close();
  }
}
