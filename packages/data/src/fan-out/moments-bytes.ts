import type { FieldEncoder } from "../fields/encoder.js";
import type { BlockMoments } from "../fields/moments.js";

/** Moments of one block: of each encoder that has some, the number of rows, the means and the sums of squares, as float64. */

export function momentBytes(encoders: readonly FieldEncoder[]): number {
  return encoders.reduce((sum, { moments, width }) => sum + (moments === undefined ? 0 : 8 * (1 + 2 * width)), 0);
}

/** What the encoders learned of the block that they observed last; undefined where they observed none. */
export function encodeMoments(encoders: readonly FieldEncoder[]): Uint8Array | undefined {
  const blocks = encoders.flatMap(({ moments }) => moments?.takeLast() ?? []);
  if (blocks.length === 0) return undefined;
  const values = blocks.flatMap(({ rows, mean, squares }) => [Float64Array.of(rows), mean, squares]);
  return Buffer.concat(
    values.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength)),
  );
}

/** Lets the encoders learn what those of another pass did, one block after the other. */
export function learnMoments(encoders: readonly FieldEncoder[], bytes: Uint8Array): void {
  // A copy, because they may lie anywhere in their buffer.
  const values = new Float64Array(Uint8Array.from(bytes).buffer);
  for (let at = 0; at < values.length;) {
    for (const { moments, width } of encoders) {
      if (moments === undefined) continue;
      const block: BlockMoments = {
        rows: values[at] ?? 0,
        mean: values.subarray(at + 1, at + 1 + width),
        squares: values.subarray(at + 1 + width, at + 1 + 2 * width),
      };
      moments.merge(block);
      at += 1 + 2 * width;
    }
  }
}
