import type { ObjectInfo, ObjectStore } from "@stampede/core";
import { garbageKinds, type GarbageCount, type GarbageKind, type GarbageReport } from "./report.js";

/** Objects that are removed at the same time. */
export const removedAtOnce = 16;

/** Removes objects and counts them; in a dry run it only counts. */
export class Remover {
  readonly #store: ObjectStore;
  readonly #dryRun: boolean;
  readonly #counts = new Map<GarbageKind, GarbageCount>();

  constructor(store: ObjectStore, dryRun: boolean) {
    this.#store = store;
    this.#dryRun = dryRun;
  }

  get counts(): GarbageReport["removed"] {
    const known = garbageKinds.flatMap((kind) => {
      const count = this.#counts.get(kind);
      return count === undefined ? [] : [[kind, count] as const];
    });
    return Object.fromEntries(known);
  }

  /** @throws StampedeError `store.*` of the first that could not be removed, when no other is under way any more */
  async remove(kind: GarbageKind, objects: readonly ObjectInfo[]): Promise<void> {
    for (let from = 0; from < objects.length; from += removedAtOnce) {
      await this.#removeAll(kind, objects.slice(from, from + removedAtOnce));
    }
  }

  async #removeAll(kind: GarbageKind, objects: readonly ObjectInfo[]): Promise<void> {
    const outcomes = await Promise.allSettled(
      this.#dryRun ? [] : objects.map(async ({ key }) => this.#store.delete(key)),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    const before = this.#counts.get(kind) ?? { objects: 0, bytes: 0 };
    this.#counts.set(kind, {
      objects: before.objects + objects.length,
      bytes: before.bytes + objects.reduce((sum, { bytes }) => sum + bytes, 0),
    });
  }
}
