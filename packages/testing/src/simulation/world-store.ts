import {
  keys,
  type ByteRange,
  type ObjectInfo,
  type ObjectStore,
  type StoredObject,
  type WriteOutcome,
} from "@stampede/core";
import { damaged } from "../faults/faulty-object-store.js";
import { MemoryObjectStore } from "../memory-object-store.js";
import type { Ledger } from "./ledger.js";
import { isRegister, valueOf } from "./register.js";
import type { VirtualTime } from "./virtual-time.js";

export interface WorldStoreOptions {
  readonly time: VirtualTime;
  readonly ledger: Ledger;
  /** Data sets, which every world shares and none writes. */
  readonly datasets: ObjectStore;
  /** Who writes. */
  readonly who: () => string;
  /** Called for every object that is written and whose reader must notice when it decays. */
  readonly onPerishable: (key: string, etag: string) => void;
}

/** The storage of a world: keeps a ledger of what is written, and what lies in it can decay. */
export class WorldStore implements ObjectStore {
  readonly #options: WorldStoreOptions;
  readonly #own: MemoryObjectStore;
  readonly #etags = new Map<string, string>();
  readonly #decayed = new Map<string, StoredObject>();

  constructor(options: WorldStoreOptions) {
    this.#options = options;
    this.#own = new MemoryObjectStore(options.time);
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const decayed = this.#decayed.get(key);
    if (decayed === undefined || this.#etags.get(key) !== decayed.etag) return this.#of(key).get(key, range);
    const { start, end } = range ?? { start: 0, end: decayed.body.length };
    return { body: decayed.body.slice(start, Math.max(start, end)), etag: decayed.etag };
  }

  head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    return this.#of(key).head(key);
  }

  async create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    if (!(body instanceof Uint8Array)) throw new Error("Only data sets are written as streams.");
    const copy = body.slice();
    const outcome = await this.#own.create(key, copy);
    if (outcome !== "conflict") this.#note("create", key, outcome.etag, copy);
    return outcome;
  }

  async replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    const copy = body.slice();
    const outcome = await this.#own.replace(key, copy, etag);
    if (outcome !== "conflict") this.#note("replace", key, outcome.etag, copy);
    return outcome;
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    return this.#of(prefix).list(prefix);
  }

  async delete(key: string): Promise<void> {
    await this.#own.delete(key);
    this.#note("delete", key, "", new Uint8Array());
    this.#etags.delete(key);
  }

  /** One bit of an object becomes wrong, and nobody is told: its etag stays. Nothing happens to one that was replaced meanwhile. */
  async decay(key: string, etag: string, amount: number): Promise<boolean> {
    const found = await this.#own.get(key);
    if (found?.etag !== etag || found.body.length === 0) return false;
    this.#decayed.set(key, { etag, body: damaged(found.body, { kind: "bit-flipped", amount }) });
    return true;
  }

  isDecayed(key: string): boolean {
    const decayed = this.#decayed.get(key);
    return decayed !== undefined && decayed.etag === this.#etags.get(key);
  }

  #of(key: string): ObjectStore {
    return key.startsWith(keys.datasets) ? this.#options.datasets : this.#own;
  }

  #note(kind: "create" | "replace" | "delete", key: string, etag: string, body: Uint8Array): void {
    const { ledger, time, who, onPerishable } = this.#options;
    const over = this.#etags.get(key);
    const overDamaged = this.isDecayed(key);
    ledger.write({ kind, key, etag, over, overDamaged, body, at: time.exact, who: who() });
    this.#etags.set(key, etag);
    if (isRegister(key)) ledger.writeValue(key, etag, valueOf(body));
    if (isPerishable(key)) onPerishable(key, etag);
  }
}

/** All that belongs to a job but its result: that one is for whoever comes later. */
function isPerishable(key: string): boolean {
  return key.startsWith(keys.jobs) && !key.endsWith("/result.json");
}
