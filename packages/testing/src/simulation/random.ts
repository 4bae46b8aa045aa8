/**
 * Chance that hangs on names. Every draw follows from a key, and a key from the names of what it is drawn for: taking one fault out
 * of a history moves no other draw, which is what makes shrinking work.
 */

/** A new key from a key and a number: the finalizer of MurmurHash3, which lets every bit of either change about half of the result. */
export function mix(key: number, value: number): number {
  let hash = Math.imul(key ^ Math.imul(value, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** A key from a key and a name. */
export function keyOf(key: number, name: string): number {
  let hash = key ^ 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return mix(hash, name.length);
}

/** A number in [0, 1). */
export function unit(key: number): number {
  return key / 2 ** 32;
}

/** A whole number 0 ... count - 1. */
export function below(count: number, key: number): number {
  return Math.floor(unit(key) * count);
}

/** One of a list. */
export function pick<T>(list: readonly [T, ...T[]], key: number): T {
  return list[below(list.length, key)] ?? list[0];
}

/** A number between two others, small ones as likely as ten times larger ones. */
export function logUniform(min: number, max: number, key: number): number {
  return min * (max / min) ** unit(key);
}
