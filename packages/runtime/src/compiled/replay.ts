import type { GraphManifest } from "@stampede/graph/format";
import { offsetsOf } from "./draws.js";
import { poolOf } from "./pools.js";

/** tfjs' CPU backend, drawing what the compiled engine draws. */
export interface TrainingReplay {
  /** @param manifest of the graph that trains the batch */
  beginBatch(manifest: GraphManifest, batch: number): void;
  /** MUST be called: until then random operations of the whole thread are replaced. */
  stop(): void;
}

/** For comparing the compiled engine with tfjs: both then compute the same, but for the rounding of sums. Loads tfjs. */
export async function replayTraining(randomKey: number): Promise<TrainingReplay> {
  const { DrawReplay } = await import("@stampede/graph");
  let current: { readonly manifest: GraphManifest; readonly batch: number } | undefined;
  const replay = new DrawReplay(({ index, distribution, size }) => {
    if (current === undefined) throw new Error("numbers are drawn outside of a batch");
    const { manifest, batch } = current;
    if (manifest.draws[index] !== size) throw new Error(`draw ${index} has ${size} numbers, which the graph's has not`);
    const [offset = 0] = offsetsOf(manifest, index, randomKey, { from: batch, to: batch + 1 });
    return poolOf(distribution, manifest.poolLength).subarray(offset, offset + size);
  });
  return {
    beginBatch(manifest, batch) {
      current = { manifest, batch };
      replay.beginStep();
    },
    stop: () => replay.stop(),
  };
}
