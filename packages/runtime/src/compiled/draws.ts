import { deriveKey, randomUint32 } from "@stampede/core";
import type { GraphManifest } from "@stampede/graph/format";

type Drawing = Pick<GraphManifest, "draws" | "poolLength">;

/**
 * Where in their pool the random tensors of a batch begin: a function of (randomKey, batch, place of the draw in the step) alone, so that
 * any split into calls, a resumed session and another process draw the same numbers.
 * @returns one number for each of the batches
 */
export function offsetsOf(
  { draws, poolLength }: Drawing,
  draw: number,
  randomKey: number,
  batches: { readonly from: number; readonly to: number },
): Int32Array<ArrayBuffer> {
  const windows = poolLength - (draws[draw] ?? 0) + 1;
  const key = deriveKey(randomKey, "draw", draw);
  const offsets = new Int32Array(batches.to - batches.from);
  for (let index = 0; index < offsets.length; index += 1) {
    offsets[index] = Math.floor((randomUint32(key, batches.from + index) * windows) / 2 ** 32);
  }
  return offsets;
}
