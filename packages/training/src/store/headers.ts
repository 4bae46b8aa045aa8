import {
  isDamage,
  readObject,
  safetensorsHeaderEnd,
  type ObjectStore,
  type ReadObject,
  type StoredObject,
} from "@stampede/core";

/** Reads the beginnings of safetensors objects: what is known of the tensors, without them. */

const firstLookBytes = 65_536;
/** A safetensors file begins with the length of its header. */
const lengthBytes = 8;

/**
 * Decodes a safetensors object's first bytes, with all of its header: one or two small ranged reads. A header that is cut short, or
 * damaged, is looked at once more, as `readObject` does.
 * @param firstLook bytes that are asked for first
 */
export function readHeader<T>(
  store: Pick<ObjectStore, "get">,
  key: string,
  decode: (prefix: Uint8Array) => T,
  firstLook: number = firstLookBytes,
): Promise<ReadObject<T> | undefined> {
  return readObject({ get: (name) => headerOf(store, name, firstLook) }, key, decode);
}

async function headerOf(
  store: Pick<ObjectStore, "get">,
  key: string,
  firstLook: number,
): Promise<StoredObject | undefined> {
  const first = await store.get(key, { start: 0, end: firstLook });
  if (first === undefined) return undefined;
  const headerEnd = headerEndOf(first.body, key);
  return headerEnd <= first.body.length ? first : store.get(key, { start: 0, end: headerEnd });
}

/** 0 where the bytes do not tell: whoever decodes them will refuse them. */
function headerEndOf(body: Uint8Array, key: string): number {
  try {
    return body.length < lengthBytes ? 0 : safetensorsHeaderEnd(body, key);
  } catch (error) {
    if (isDamage(error)) return 0;
    throw error;
  }
}
