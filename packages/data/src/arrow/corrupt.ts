import { isStampedeError, StampedeError } from "@stampede/core";

/** A stored object that cannot be what was written. */
export function corrupt(key: string, expected: string, found: string, cause?: unknown): StampedeError {
  const text = `Expected ${expected} in the stored object ${key}, found ${found}. The object is not used.`;
  return new StampedeError("store.corrupt", text, { details: { key }, cause });
}

/** Runs a decoder over bytes that may be anything: whatever it stumbles over becomes `store.corrupt`. */
export function decoding<T>(key: string, expected: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (isStampedeError(cause)) throw cause;
    throw corrupt(
      key,
      expected,
      `bytes that are not: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
}
