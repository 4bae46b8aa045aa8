import { uniformStream } from "@stampede/core";

type Stream = () => number;

/** The streams in use, the newest last. While there is one, it answers for Math.random. */
const active: Stream[] = [];
let original = Math.random;

/**
 * Runs `fn` with Math.random replaced by a stream that follows from `key` (a uint32) alone.
 *
 * tfjs offers no other way in: dropout, noise layers and initializers that were given no seed draw the seeds of their generators from
 * Math.random. When `fn` returns a promise, Math.random stays replaced until it settles, and whatever else the thread does in the
 * meantime draws from the stream too; so nothing else should run then that needs either chance or the same bits again.
 */
export function withSeededRandom<T>(key: number, fn: () => T): T {
  const release = replaceRandom(uniformStream(key));
  let settled = true;
  try {
    const result = fn();
    if (result instanceof Promise) {
      settled = false;
      void result.then(release, release);
    }
    return result;
  } finally {
    if (settled) release();
  }
}

/** Replacements may end in another order than they began, as asynchronous ones do; the last one to end puts Math.random back. */
function replaceRandom(stream: Stream): () => void {
  if (active.length === 0) {
    original = Math.random;
    Math.random = () => active.at(-1)?.() ?? original();
  }
  active.push(stream);
  return () => {
    active.splice(active.indexOf(stream), 1);
    if (active.length === 0) Math.random = original;
  };
}
