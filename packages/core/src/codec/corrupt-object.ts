import { StampedeError } from "../errors.js";

/** An object that cannot be trusted. `key` names it: an object key, or the path of a file. */
export function corruptObject(key: string, expected: string, found: string, cause?: unknown): StampedeError {
  return new StampedeError(
    "store.corrupt",
    `Expected ${expected} in ${key}, found ${found}. The object was not used.`,
    {
      details: { key },
      cause,
    },
  );
}
