import { isStampedeError } from "../errors.js";
import type { ObjectStore } from "../ports/object-store.js";

export interface ReadObject<T> {
  readonly value: T;
  readonly etag: string;
}

/**
 * Reads an object and decodes it; undefined when it is not there. What cannot be decoded is read once more: a read that was cut short
 * on its way is whole the next time, a damaged object is not.
 * @param decode throws `store.corrupt` or `graph.invalid` for bytes that are not the object
 */
export async function readObject<T>(
  store: Pick<ObjectStore, "get">,
  key: string,
  decode: (body: Uint8Array) => T,
): Promise<ReadObject<T> | undefined> {
  const first = await store.get(key);
  if (first === undefined) return undefined;
  try {
    return { value: decode(first.body), etag: first.etag };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const second = await store.get(key);
    return second && { value: decode(second.body), etag: second.etag };
  }
}

export function isDamage(error: unknown): boolean {
  return isStampedeError(error) && (error.code === "store.corrupt" || error.code === "graph.invalid");
}
