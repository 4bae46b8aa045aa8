import { createHash } from "node:crypto";

/**
 * Counter-based randomness: every number is a function of (key, counter), so that any part of a sequence can be had again anywhere.
 * Philox2x32-10 of Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC '11), which passes BigCrush; the
 * constants are theirs, and so are the known answers in the tests.
 */
const multiplier = 0xd256d193;
const weyl = 0x9e3779b9;
const rounds = 10;
const wordRange = 2 ** 32;

/** Leaves the two 32-bit words of the block (key, counter) in `block`. */
function fillBlock(block: Uint32Array, key: number, counterLow: number, counterHigh: number): void {
  let left = counterLow | 0;
  let right = counterHigh | 0;
  let roundKey = key | 0;
  for (let round = 0; round < rounds; round += 1) {
    const high = multiplyHigh(left, multiplier);
    const low = Math.imul(left, multiplier);
    left = high ^ roundKey ^ right;
    right = low;
    roundKey = (roundKey + weyl) | 0;
  }
  block[0] = left;
  block[1] = right;
}

/** The upper 32 bits of the product of two uint32. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const cross = Math.imul(aHigh, bLow);
  const otherCross = Math.imul(aLow, bHigh);
  const carry = (Math.imul(aLow, bLow) >>> 16) + (cross & 0xffff) + (otherCross & 0xffff);
  return (Math.imul(aHigh, bHigh) + (cross >>> 16) + (otherCross >>> 16) + (carry >>> 16)) | 0;
}

/** The words of (key, 0), (key, 1), ... one after the other. */
class WordStream {
  readonly #key: number;
  readonly #block = new Uint32Array(2);
  #counter = 0;
  #used = 2;

  constructor(key: number) {
    this.#key = key;
  }

  next(): number {
    if (this.#used === 2) {
      fillBlock(this.#block, this.#key, this.#counter, this.#counter / wordRange);
      this.#counter += 1;
      this.#used = 0;
    }
    const word = this.#block[this.#used] ?? 0;
    this.#used += 1;
    return word;
  }
}

/**
 * A uint32 key that follows from all parts and their order; 1 and "1" are different parts. Keys are the first 4 bytes of the SHA-256 of
 * the parts as JSON: two of n keys are equal with a probability of about n^2 / 2^33.
 * @param parts finite numbers and strings
 */
export function deriveKey(...parts: readonly (number | string)[]): number {
  return createHash("sha256").update(JSON.stringify(parts)).digest().readUInt32LE(0);
}

/**
 * A uniform uint32: the first word of block `counter` of the stream `key`.
 * @param key a uint32, see `deriveKey`
 * @param counter a whole number, 0 ... 2^53 - 1
 */
export function randomUint32(key: number, counter: number): number {
  const block = new Uint32Array(2);
  fillBlock(block, key, counter, counter / wordRange);
  return block[0] ?? 0;
}

/** A replacement for `Math.random`: floats in [0, 1) with 53 random bits, which follow from the key alone. */
export function uniformStream(key: number): () => number {
  const words = new WordStream(key);
  return () => {
    const high = words.next() >>> 5;
    return (high * 2 ** 26 + (words.next() >>> 6)) / 2 ** 53;
  };
}

/**
 * The numbers 0 ... length - 1 in an order that follows from the key alone, each order equally likely (as far as 2^32 keys go).
 * Fisher-Yates from the end.
 */
export function permutation(length: number, key: number): Uint32Array<ArrayBuffer> {
  const order = new Uint32Array(length);
  for (let index = 0; index < length; index += 1) order[index] = index;
  const words = new WordStream(key);
  for (let last = length - 1; last > 0; last -= 1) {
    const other = below(last + 1, words);
    const value = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = value;
  }
  return order;
}

/** A uniform whole number 0 ... range - 1, without bias: Lemire, "Fast random integer generation in an interval" (2019). */
function below(range: number, words: WordStream): number {
  let word = words.next();
  let low = Math.imul(word, range) >>> 0;
  if (low < range) {
    const refused = (wordRange - range) % range;
    while (low < refused) {
      word = words.next();
      low = Math.imul(word, range) >>> 0;
    }
  }
  return multiplyHigh(word, range) >>> 0;
}
