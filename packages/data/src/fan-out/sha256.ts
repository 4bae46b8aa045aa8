/**
 * SHA-256 (FIPS 180-4) that can be put down after any whole number of 64-byte blocks and taken up elsewhere: node:crypto's cannot, and
 * a file that is read piece by piece by one function after the other must get the hash that `createHash` gives it as a whole.
 */
export const hashBlockBytes = 64;

/** The fractional parts of the square roots of the first 8 primes, and of the cube roots of the first 64. */
const initial = Uint32Array.from(firstPrimes(8), (prime) => fraction(Math.sqrt(prime)));
const constants = Int32Array.from(firstPrimes(64), (prime) => fraction(Math.cbrt(prime)));

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  return primes;
}

function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

/** The state after no bytes. */
export const emptyHash = stateText(initial);

/** The state after some bytes more. @param bytes a whole number of 64-byte blocks */
export function continueHash(state: string, bytes: Uint8Array): string {
  const words = wordsOf(state);
  const schedule = new Int32Array(64);
  for (let at = 0; at < bytes.length; at += hashBlockBytes) {
    expand(bytes, at, schedule);
    compress(words, schedule);
  }
  return stateText(words);
}

/**
 * The hash, in hex, of bytes that end with `rest`.
 * @param state after all before `rest`
 * @param total bytes of all
 */
export function finishHash(state: string, rest: Uint8Array, total: number): string {
  const padded = Buffer.alloc(Math.ceil((rest.length + 9) / hashBlockBytes) * hashBlockBytes);
  padded.set(rest);
  padded[rest.length] = 0x80;
  padded.writeBigUInt64BE(BigInt(total) * 8n, padded.length - 8);
  return continueHash(state, padded);
}

function wordsOf(state: string): Int32Array {
  return Int32Array.from({ length: 8 }, (_, index) => Number.parseInt(state.slice(8 * index, 8 * index + 8), 16));
}

function stateText(words: Int32Array | Uint32Array): string {
  return Array.from(words, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function expand(bytes: Uint8Array, start: number, schedule: Int32Array): void {
  for (let index = 0, at = start; index < 16; index++, at += 4) {
    schedule[index] =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }
  for (let index = 16; index < 64; index++) {
    const near = schedule[index - 2] ?? 0;
    const far = schedule[index - 15] ?? 0;
    const sigma1 = ((near >>> 17) | (near << 15)) ^ ((near >>> 19) | (near << 13)) ^ (near >>> 10);
    const sigma0 = ((far >>> 7) | (far << 25)) ^ ((far >>> 18) | (far << 14)) ^ (far >>> 3);
    schedule[index] = (sigma1 + (schedule[index - 7] ?? 0) + sigma0 + (schedule[index - 16] ?? 0)) | 0;
  }
}

function compress(words: Int32Array, schedule: Int32Array): void {
  // Indexed reads: to take the array apart would cost more than all the rest.
  let a = words[0] ?? 0;
  let b = words[1] ?? 0;
  let c = words[2] ?? 0;
  let d = words[3] ?? 0;
  let e = words[4] ?? 0;
  let f = words[5] ?? 0;
  let g = words[6] ?? 0;
  let h = words[7] ?? 0;
  for (let index = 0; index < 64; index++) {
    const sum1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + sum1 + ((e & f) ^ (~e & g)) + (constants[index] ?? 0) + (schedule[index] ?? 0)) | 0;
    const sum0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  words[0] = (words[0] ?? 0) + a;
  words[1] = (words[1] ?? 0) + b;
  words[2] = (words[2] ?? 0) + c;
  words[3] = (words[3] ?? 0) + d;
  words[4] = (words[4] ?? 0) + e;
  words[5] = (words[5] ?? 0) + f;
  words[6] = (words[6] ?? 0) + g;
  words[7] = (words[7] ?? 0) + h;
}
