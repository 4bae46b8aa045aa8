import { createCipheriv } from "node:crypto";
import type { Distribution } from "@stampede/graph/format";

/** The longest pool of each distribution that was needed in this thread; shorter ones are its beginning. */
const made = new Map<Distribution, Float32Array>();

/**
 * Random numbers that graphs draw their windows from: the same in every process. They come from the keystream of AES-128 in counter mode,
 * which passes every test of randomness and takes a millisecond a megabyte.
 */
export function poolOf(distribution: Distribution, length: number): Float32Array {
  const known = made.get(distribution);
  if (known !== undefined && known.length >= length) return known.subarray(0, length);
  const pool = new Float32Array(length);
  fill[distribution](new Keystream(distribution), pool);
  made.set(distribution, pool);
  return pool;
}

/** Numbers follow one another, so that a longer pool begins with the shorter one. */
type Fill = (words: Keystream, pool: Float32Array) => void;

const fill: Readonly<Record<Distribution, Fill>> = {
  /** 24 bits in [0, 1), which float32 holds exactly. */
  uniform: (words, pool) => {
    const all = words.next(pool.length);
    for (let index = 0; index < all.length; index += 1) pool[index] = ((all[index] ?? 0) >>> 8) / 2 ** 24;
  },
  normal: (words, pool) => fillNormal(words, pool, Number.POSITIVE_INFINITY),
  truncatedNormal: (words, pool) => fillNormal(words, pool, 2),
};

/** An even number, because two words make two numbers. */
const blockWords = 2 ** 14;

/** Box-Muller. Numbers beyond `limit` standard deviations are dropped. */
function fillNormal(words: Keystream, pool: Float32Array, limit: number): void {
  for (let at = 0; at < pool.length;) {
    const block = words.next(blockWords);
    for (let index = 0; index < blockWords && at < pool.length; index += 2) {
      // Above zero, where the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(((block[index] ?? 0) + 1) / 2 ** 32));
      const angle = (2 * Math.PI * (block[index + 1] ?? 0)) / 2 ** 32;
      const cosine = radius * Math.cos(angle);
      const sine = radius * Math.sin(angle);
      if (Math.abs(cosine) <= limit) pool[at++] = cosine;
      // At the end of the pool this is nothing.
      if (Math.abs(sine) <= limit) pool[at++] = sine;
    }
  }
}

const key = Buffer.from("stampede's pools");
/** Each distribution has a keystream of its own. */
const streams: Readonly<Record<Distribution, number>> = { uniform: 1, normal: 2, truncatedNormal: 3 };

/** The 32-bit words of one keystream in order. */
class Keystream {
  readonly #cipher: ReturnType<typeof createCipheriv>;

  constructor(distribution: Distribution) {
    const counter = Buffer.alloc(16);
    counter[0] = streams[distribution];
    this.#cipher = createCipheriv("aes-128-ctr", key, counter);
  }

  next(count: number): Uint32Array {
    const { buffer, byteOffset } = this.#cipher.update(Buffer.alloc(count * 4));
    // Small buffers share memory and may begin anywhere.
    return byteOffset % 4 === 0
      ? new Uint32Array(buffer, byteOffset, count)
      : new Uint32Array(buffer.slice(byteOffset, byteOffset + count * 4));
  }
}
