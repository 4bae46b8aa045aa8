/** Cuts a stream into parts of exactly `size` bytes but for the last. Each part is memory of its own; the chunks may be overwritten. */
export async function* inParts(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(0);
  let filled = 0;
  let isFirst = true;
  for await (const chunk of body) {
    for (let from = 0; from < chunk.length;) {
      if (filled === part.length) part = grown(part, size, isFirst ? filled + chunk.length - from : size);
      const taken = Math.min(chunk.length - from, part.length - filled);
      part.set(chunk.subarray(from, from + taken), filled);
      filled += taken;
      from += taken;
      if (filled < size) continue;
      yield part;
      isFirst = false;
      part = new Uint8Array(0);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

/** Doubles, so that a small stream takes little memory. */
function grown(part: Uint8Array, size: number, wanted: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(size, Math.max(wanted, 2 * part.length)));
  larger.set(part);
  return larger;
}

/** Parts of a body that is in memory: views of it. */
export function* slicesOf(body: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < body.length; start += size) yield body.subarray(start, start + size);
}
