import type { ObjectInfo, ObjectStore, StoredObject, WriteOutcome } from "@stampede/core";
import type { RegisterOperation } from "./linearizability.js";
import { isRegister, valueOf } from "./register.js";
import type { Turns } from "./ports.js";
import type { World } from "./world.js";

/** A store each of whose operations waits for its turn. What is done to the records that decide a job goes into the ledger. */
export class ScheduledStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #turns: Turns;
  readonly #world: World;

  constructor(inner: ObjectStore, turns: Turns, world: World) {
    this.#inner = inner;
    this.#turns = turns;
    this.#world = world;
  }

  get(...given: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    const [key] = given;
    const reading = (): Promise<StoredObject | undefined> =>
      this.#turns.take({ name: "store.get", subject: key }, () => this.#inner.get(...given));
    return isRegister(key) ? this.#read(key, reading) : reading();
  }

  head(key: string): ReturnType<ObjectStore["head"]> {
    const reading = (): ReturnType<ObjectStore["head"]> =>
      this.#turns.take({ name: "store.head", subject: key }, () => this.#inner.head(key));
    return isRegister(key) ? this.#read(key, reading) : reading();
  }

  create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    const writing = (): Promise<WriteOutcome> =>
      this.#turns.take({ name: "store.create", subject: key }, () => this.#inner.create(key, body));
    return body instanceof Uint8Array && isRegister(key) ? this.#write(key, "create", { body }, writing) : writing();
  }

  replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    const writing = (): Promise<WriteOutcome> =>
      this.#turns.take({ name: "store.replace", subject: key }, () => this.#inner.replace(key, body, etag));
    return isRegister(key) ? this.#write(key, "replace", { body, etag }, writing) : writing();
  }

  /** Page by page, as object stores do: what is written between two pages may be in a later one or not. */
  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const { pageSize } = this.#world.habits;
    for (let after = ""; ;) {
      const page = await this.#turns.take({ name: "store.list", subject: prefix }, () =>
        pageOf(this.#inner.list(prefix), after, pageSize),
      );
      yield* page;
      const last = page[pageSize - 1];
      if (last === undefined) return;
      after = last.key;
    }
  }

  delete(key: string): Promise<void> {
    return this.#turns.take({ name: "store.delete", subject: key }, () => this.#inner.delete(key));
  }

  async #read<T extends { readonly etag: string } | undefined>(key: string, reading: () => Promise<T>): Promise<T> {
    const { ledger } = this.#world;
    const from = ledger.tick();
    const found = await reading();
    const value = found && ledger.nameOf(found.etag);
    ledger.register(key, { kind: "read", value, outcome: "done", from, to: ledger.tick() });
    return found;
  }

  async #write(
    key: string,
    kind: "create" | "replace",
    { body, etag }: { readonly body: Uint8Array; readonly etag?: string },
    writing: () => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> {
    const { ledger } = this.#world;
    const value = valueOf(body);
    const expected = etag === undefined ? undefined : ledger.nameOf(etag);
    const begun = { kind, value, expected, outcome: "unclear", from: ledger.tick(), to: Infinity } as const;
    const operation: RegisterOperation = { ...begun };
    ledger.register(key, operation);
    const outcome = await writing();
    operation.to = ledger.tick();
    if (outcome !== "conflict") operation.outcome = "done";
    // One that met itself was told no lie, but not the truth either.
    else if (ledger.valueAt(key) !== value) operation.outcome = "conflict";
    return outcome;
  }
}

async function pageOf(listing: AsyncIterable<ObjectInfo>, after: string, size: number): Promise<readonly ObjectInfo[]> {
  const page: ObjectInfo[] = [];
  for await (const info of listing) {
    if (info.key <= after) continue;
    page.push(info);
    if (page.length === size) break;
  }
  return page;
}
