import {
  JobId,
  keys,
  randomUint32,
  StampedeError,
  type ObjectStore,
  type ShardLimits,
  type ShardTask,
} from "@stampede/core";
import { shardDataset, type ShardOutcome, type ShardRequest, type ShardingWish } from "@stampede/data";
import { ManualClock, MemoryObjectStore, SequentialUnique } from "@stampede/testing";
import { handleLostShardTask, handleShardMessage, requestDataset, type SharderDeps } from "@stampede/training";

export interface ShardWorldOptions {
  readonly seed?: number;
  /** Everything is cut as small as it can be, unless told otherwise. */
  readonly limits?: Partial<ShardLimits>;
  /** What becomes of an invocation. @default "run" */
  readonly fate?: (task: ShardTask, random: () => number) => "run" | "twice" | "lost" | "refused" | "later";
  readonly deps?: Partial<SharderDeps>;
  /** Called when a step's function begins. */
  readonly onRun?: () => void;
}

export type FileWish = Omit<ShardRequest, "dataset"> & Pick<ShardingWish, "dataset">;

/** Sharder functions in this process, one at a time and in an order that a seed decides. */
export class ShardWorld {
  readonly store: ObjectStore;
  readonly clock = new ManualClock();
  readonly ran: string[] = [];
  readonly hints: string[] = [];
  readonly #waiting: ShardTask[] = [];
  readonly #late: ShardTask[] = [];
  readonly #deps: SharderDeps;
  readonly #limits: Partial<ShardLimits>;
  readonly #random: () => number;
  readonly #onRun: () => void;

  constructor({
    seed = 0,
    limits = {},
    fate = () => "run",
    deps = {},
    onRun = () => undefined,
  }: ShardWorldOptions = {}) {
    this.store = deps.store ?? new MemoryObjectStore(this.clock);
    this.#limits = { singleBytes: 0, taskBytes: 64, indexBytes: 64, ...limits };
    this.#onRun = onRun;
    let drawn = 0;
    this.#random = () => randomUint32(seed, drawn++);
    this.#deps = {
      clock: this.clock,
      unique: new SequentialUnique(),
      files: {},
      hint: async (job) => void this.hints.push(job),
      start: async (task) => {
        const what = fate(task, this.#random);
        if (what === "refused") throw new Error("The platform is full.");
        if (what === "run" || what === "twice") this.#waiting.push(task);
        if (what === "twice") this.#waiting.push(task);
        if (what === "later") this.#late.push(task);
      },
      ...deps,
      store: this.store,
    };
  }

  ask(wish: FileWish, job = "job-1"): Promise<ShardOutcome | "under-way"> {
    return requestDataset(JobId.parse(job), { ...wish, limits: this.#limits }, this.#deps);
  }

  /** Runs what was started, and what that starts, until nothing is left. */
  async run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const [task] = this.#waiting.splice(this.#random() % this.#waiting.length, 1);
      if (task !== undefined) await this.handle(task);
    }
  }

  /** Functions that were thought dead, and wake up. */
  async wake(): Promise<void> {
    for (const task of this.#late.splice(0)) await this.handle(task);
  }

  /** What the platform says of functions that were started and never ended. */
  async report(): Promise<void> {
    const error = new StampedeError("task.crashed", "The function was killed.");
    for (const task of this.#late.splice(0)) await handleLostShardTask(task, error, this.#deps);
  }

  async handle(task: ShardTask): Promise<void> {
    this.#onRun();
    this.ran.push(`${task.step.kind}-${task.step.index}`);
    await handleShardMessage(task, this.#deps);
  }

  /** Asks until the data set is there, as whoever prepares a job does: after a while again. */
  async make(wish: FileWish, job?: string): Promise<ShardOutcome> {
    for (let asked = 0; asked < 200; asked++) {
      const answer = await this.ask(wish, job);
      if (answer !== "under-way") return answer;
      await this.run();
      await this.clock.advance(1_000_000);
    }
    throw new Error("Asked 200 times, and the data set is not there.");
  }
}

/** Every object of the data sets in a store: key and bytes. */
export async function datasetObjects(store: ObjectStore): Promise<ReadonlyMap<string, Buffer>> {
  const objects = new Map<string, Buffer>();
  for await (const { key } of store.list(keys.datasets)) {
    if (key.includes("/uses/")) continue;
    objects.set(key, Buffer.from((await store.get(key))?.body ?? []));
  }
  return objects;
}

/** What one pass makes of the same data. */
export async function inOnePass(wish: FileWish): Promise<ReadonlyMap<string, Buffer>> {
  const store = new MemoryObjectStore();
  await shardDataset(wish, { store });
  return datasetObjects(store);
}

/** The keys under which two stores hold different objects, or only one holds any. */
export function differences(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): readonly string[] {
  const keysOfBoth = new Set([...one.keys(), ...other.keys()]);
  return [...keysOfBoth].filter((key) => one.get(key)?.equals(other.get(key) ?? Buffer.of()) !== true);
}
