import type { ByteRange, ByteReader } from "@stampede/core";

/** Headers are read alone, so the first request is small; then each is larger, up to what one connection takes well. */
const firstBytes = 128 * 1024;
const growth = 4;
const maxBytes = 8 * 1024 * 1024;
/** Requests under way, besides the one that is being used: hides the latency, and bounds the memory to 32 MiB a reader. */
const ahead = 3;

/** Reads a range by requests that run ahead of the reader once it has shown that it goes on. */
export function readAhead(fetch: (range: ByteRange) => Promise<Uint8Array>, { start, end }: ByteRange): ByteReader {
  const underWay: Promise<Uint8Array>[] = [];
  let asked = start;
  let size = firstBytes;
  let chunk: Uint8Array = new Uint8Array(0);
  let closed = false;

  function ask(count: number): void {
    while (underWay.length < count && asked < end) {
      const range = { start: asked, end: Math.min(end, asked + size) };
      const bytes = fetch(range);
      // Whoever waits for it hears of its failure; if nobody does, nothing is lost.
      bytes.catch(() => undefined);
      underWay.push(bytes);
      asked = range.end;
      size = Math.min(maxBytes, size * growth);
    }
  }

  async function advance(): Promise<boolean> {
    // The first request goes alone.
    ask(asked === start ? 1 : 1 + ahead);
    const next = underWay.shift();
    if (next === undefined) return false;
    chunk = await next;
    return true;
  }

  return {
    async read(into) {
      let filled = 0;
      while (filled < into.length && !closed) {
        if (chunk.length === 0 && !(await advance())) break;
        const taken = chunk.subarray(0, into.length - filled);
        into.set(taken, filled);
        filled += taken.length;
        chunk = chunk.subarray(taken.length);
      }
      return filled;
    },
    async close() {
      closed = true;
      underWay.length = 0;
      chunk = new Uint8Array(0);
    },
  };
}
