import type { ByteRange, ObjectInfo, ObjectStore, StoredObject, Timers, WriteOutcome } from "@stampede/core";
import { disturbed, unavailable } from "./disturbed.js";
import type { Fault, Faults, Operation, OperationName } from "./faults.js";

/** An object store between which and its user things go wrong. */
export class FaultyObjectStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #faults: Faults;
  readonly #timers: Timers;

  constructor(inner: ObjectStore, faults: Faults, timers: Timers) {
    this.#inner = inner;
    this.#faults = faults;
    this.#timers = timers;
  }

  get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const operation: Operation = { name: "store.get", subject: key };
    const fault = this.#faults.of(operation);
    const act = (): Promise<StoredObject | undefined> => this.#inner.get(key, range);
    if (fault === undefined) return act();
    const isTorn = fault.kind === "truncated" || fault.kind === "bit-flipped";
    return isTorn ? torn(act(), fault) : disturbed(operation, fault, this.#timers, act);
  }

  head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    return this.#run("store.head", key, () => this.#inner.head(key));
  }

  create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    return this.#write("store.create", key, () => this.#inner.create(key, body));
  }

  replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    return this.#write("store.replace", key, () => this.#inner.replace(key, body, etag));
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const operation: Operation = { name: "store.list", subject: prefix };
    const fault = this.#faults.of(operation);
    if (fault !== undefined) await disturbed(operation, fault, this.#timers, () => Promise.resolve());
    yield* this.#inner.list(prefix);
  }

  delete(key: string): Promise<void> {
    return this.#run("store.delete", key, () => this.#inner.delete(key));
  }

  #run<T>(name: OperationName, key: string, act: () => Promise<T>): Promise<T> {
    const operation: Operation = { name, subject: key };
    const fault = this.#faults.of(operation);
    return fault === undefined ? act() : disturbed(operation, fault, this.#timers, act);
  }

  #write(name: OperationName, key: string, act: () => Promise<WriteOutcome>): Promise<WriteOutcome> {
    const operation: Operation = { name, subject: key };
    const fault = this.#faults.of(operation);
    if (fault === undefined) return act();
    if (fault.kind === "clashed") return Promise.reject(unavailable(operation, "it met another one, again and again"));
    if (fault.kind === "conflict-with-itself") return act().then(() => "conflict");
    return disturbed(operation, fault, this.#timers, act);
  }
}

/** A read that was damaged on its way. Nothing is torn where nothing is. */
async function torn(reading: Promise<StoredObject | undefined>, fault: Fault): Promise<StoredObject | undefined> {
  const found = await reading;
  return found === undefined || found.body.length === 0 ? found : { ...found, body: damaged(found.body, fault) };
}

/** Bytes that are cut short, or of which one bit is wrong. */
export function damaged(body: Uint8Array, { kind, amount }: Fault): Uint8Array {
  const at = Math.floor(amount * body.length);
  if (kind === "truncated") return body.slice(0, at);
  const bytes = body.slice();
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (Math.floor(amount * body.length * 8) % 8));
  return bytes;
}
