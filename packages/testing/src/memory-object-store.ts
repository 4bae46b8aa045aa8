import type { ByteRange, Clock, ObjectInfo, ObjectStore, StoredObject, WriteOutcome } from "@stampede/core";

interface Kept extends StoredObject {
  readonly modifiedAt: number;
}

/** An object store in this process's memory: a real one, for tests and for what need not outlive the process. Keeps and gives copies. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, Kept>();
  readonly #clock: Clock;
  #writes = 0;

  /** @param clock what objects are dated by. @default the system's */
  constructor(clock: Clock = { now: () => Date.now() }) {
    this.#clock = clock;
  }

  get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const found = this.#objects.get(key);
    if (found === undefined) return Promise.resolve(undefined);
    const { start, end } = range ?? { start: 0, end: found.body.length };
    return Promise.resolve({ body: found.body.slice(start, Math.max(start, end)), etag: found.etag });
  }

  head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    const found = this.#objects.get(key);
    return Promise.resolve(found && { bytes: found.body.length, etag: found.etag });
  }

  async create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    const bytes = await collect(body);
    return this.#objects.has(key) ? "conflict" : this.#put(key, bytes);
  }

  replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    const current = this.#objects.get(key);
    return Promise.resolve(current?.etag === etag ? this.#put(key, Uint8Array.from(body)) : "conflict");
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    for (const key of keys) {
      const found = this.#objects.get(key);
      if (found === undefined) continue;
      yield await Promise.resolve({ key, bytes: found.body.length, modifiedAt: found.modifiedAt });
    }
  }

  delete(key: string): Promise<void> {
    this.#objects.delete(key);
    return Promise.resolve();
  }

  #put(key: string, body: Uint8Array): WriteOutcome {
    const etag = `"${this.#writes++}"`;
    this.#objects.set(key, { body, etag, modifiedAt: this.#clock.now() });
    return { etag };
  }
}

async function collect(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return Uint8Array.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
