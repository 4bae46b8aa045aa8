import type { Clock, ObjectInfo, ObjectStore } from "@stampede/core";
import type { GarbageReport } from "./report.js";
import type { Remover } from "./remover.js";

export interface GarbageOptions {
  /** Only says what would be removed. */
  readonly dryRun: boolean;
  /**
   * What might belong to a job that is about to be stored goes when it is so old. 0 removes it whatever its age: then no job MUST be
   * submitted meanwhile.
   */
  readonly minAgeMs: number;
  /** Jobs that ended so long ago are removed whole. @default none */
  readonly jobsOlderThanMs?: number | undefined;
}

export interface GarbageDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** One run of the garbage collection. */
export interface GarbageRun {
  readonly options: GarbageOptions;
  readonly store: ObjectStore;
  readonly remover: Remover;
  /** When it began: what is written while it runs is young. */
  readonly now: number;
  readonly jobs: GarbageReport["jobs"][number][];
  readonly datasets: GarbageReport["datasets"][number][];
  readonly skipped: GarbageReport["skipped"][number][];
}

/** The store and this machine may have different clocks, and a folder store dates to the second: an age of 0 asks neither. */
export function isOld({ now, options: { minAgeMs } }: Pick<GarbageRun, "now" | "options">, at: number): boolean {
  return minAgeMs === 0 || now - at >= minAgeMs;
}

export interface Folder {
  /** The part of the keys that follows the prefix. */
  readonly name: string;
  readonly objects: readonly ObjectInfo[];
}

/** What lies below `prefix`, folder by folder: one of them in memory at a time. */
export async function* foldersIn(store: ObjectStore, prefix: string): AsyncGenerator<Folder> {
  let name: string | undefined;
  let objects: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) {
    const end = info.key.indexOf("/", prefix.length);
    const next = end === -1 ? info.key.slice(prefix.length) : info.key.slice(prefix.length, end);
    if (name !== undefined && next !== name) {
      yield { name, objects };
      objects = [];
    }
    name = next;
    objects.push(info);
  }
  if (name !== undefined) yield { name, objects };
}

export async function objectsIn(store: ObjectStore, prefix: string): Promise<readonly ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) objects.push(info);
  return objects;
}
