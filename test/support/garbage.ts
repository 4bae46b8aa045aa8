import {
  DatasetId,
  keys,
  parseJobId,
  StampedeError,
  tensorOf,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { collectGarbage, type GarbageOptions, type GarbageReport } from "@stampede/training";
import { storePartitions } from "./datasets.js";
import { makeJobSpec } from "./job-specs.js";
import { World, type WorldOptions } from "./world.js";
import { sameStore } from "./same-store.js";

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const initialWeights: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);

/** A store in memory whose clock a test sets: objects are as old as it says. */
export class Attic {
  readonly store: MemoryObjectStore;
  now = 10 * dayMs;

  constructor() {
    this.store = new MemoryObjectStore({ now: () => this.now });
  }

  collect(options: Partial<GarbageOptions> = {}, store: ObjectStore = this.store): Promise<GarbageReport> {
    const clock = { now: () => this.now };
    return collectGarbage({ dryRun: false, minAgeMs: dayMs, ...options }, { store, clock });
  }

  /** Stores a job with its data set, marked as the client does it. */
  async submit(
    name: string,
    overrides: Parameters<typeof makeJobSpec>[0] = {},
    options: Omit<WorldOptions, "store"> = {},
    store: ObjectStore = this.store,
  ): Promise<{ readonly world: World; readonly spec: JobSpec }> {
    const job = parseJobId(name);
    const partitionRows = overrides.partitionRows ?? [10, 17];
    const { dataset } = await storePartitions(this.store, partitionRows);
    await this.store.create(keys.use(dataset, job), new Uint8Array());
    const spec = makeJobSpec({ dataset, ...overrides, job, partitionRows: [...partitionRows] });
    const world = new World({ ...options, store });
    await world.submit(spec, initialWeights);
    return { world, spec };
  }

  async keys(prefix = ""): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const { key } of this.store.list(prefix)) found.push(key);
    return found;
  }

  /** The data sets of which anything is there. */
  async datasets(): Promise<ReadonlySet<DatasetId>> {
    const folders = (await this.keys(keys.datasets)).map((key) => key.split("/")[1] ?? "");
    return new Set(folders.map((folder) => DatasetId.parse(folder)));
  }
}

/** The same store, whose caller dies at its `calls`-th removal. */
export function dyingStore(store: ObjectStore, calls: number): ObjectStore {
  let left = calls;
  return {
    ...sameStore(store),
    delete: (key) => {
      left -= 1;
      if (left < 0) return Promise.reject(new StampedeError("store.unavailable", "the process died here"));
      return store.delete(key);
    },
  };
}

/** The same store, every call of which takes as many turns as `turns` says: so that callers at the same time mix. */
export function slowStore(store: ObjectStore, turns: () => number): ObjectStore {
  const wait = async (): Promise<void> => {
    for (let left = turns(); left > 0; left -= 1) await Promise.resolve();
  };
  return {
    ...sameStore(store),
    get: async (key, range) => {
      await wait();
      return store.get(key, range);
    },
    head: async (key) => {
      await wait();
      return store.head(key);
    },
    create: async (key, body) => {
      await wait();
      return store.create(key, body);
    },
    delete: async (key) => {
      await wait();
      return store.delete(key);
    },
    async *list(prefix) {
      for await (const info of store.list(prefix)) {
        await wait();
        yield info;
      }
    },
  };
}
