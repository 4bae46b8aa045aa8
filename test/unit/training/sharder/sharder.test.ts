import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  StampedeError,
  CancelRecord,
  encodeRecord,
  JobId,
  keys,
  type ObjectStore,
  type ShardTask,
} from "@stampede/core";
import { datasetObjects, differences, inOnePass, ShardWorld, type FileWish } from "../../../support/shard-world.js";
import { complaint, fixtures, folderWith, newFolder } from "../../data/support.js";

/** Rows so wide that a block of 8 MiB holds few. */
const columns = Array.from({ length: 40_000 }, () => "n");
const blockRows = 26;

/** A CSV file of numbers in many blocks, with these cells in the place of others. */
async function csv(rows: number, cells: Readonly<Record<number, string>> = {}): Promise<FileWish> {
  const text = Array.from({ length: rows }, (_, row) => `${cells[row] ?? row}\n`).join("");
  const baseFolder = await folderWith({ "n.csv": `n\n${text}` });
  return {
    baseFolder,
    partitions: 2,
    order: "shuffled",
    seed: 3,
    dataset: { format: "csv", file: "n.csv", features: { columns } },
  };
}

const small: FileWish = {
  baseFolder: fixtures,
  partitions: 2,
  order: "kept",
  dataset: { format: "npy", features: { file: "f8-le.npy" } },
};

async function objectsBelow(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key.slice(prefix.length).replace(/^[0-9a-f]{64}\//, ""));
  return found;
}

describe("a small data set", () => {
  test.each([
    ["small files", small],
    ["an archive", { ...small, partitions: 1, dataset: { format: "npz", file: "single.npz" } } as const],
    ["one that comes with Stampede", { ...small, dataset: { format: "builtin", name: "digits" } } as const],
  ])("is made by one function: %s", async (_, wish) => {
    const limits = wish === small ? { singleBytes: 1_000_000 } : {};
    const world = new ShardWorld({ limits });
    expect(await world.ask(wish)).toBe("under-way");
    await world.run();
    expect(world.ran).toEqual(["plan-0"]);
    expect(world.hints).toEqual(["job-1"]);
    const made = await world.ask(wish);
    expect(made).toMatchObject({ train: { reused: false } });
    expect(differences(await datasetObjects(world.store), await inOnePass(wish))).toEqual([]);
  });
});

describe("a data set that is there", () => {
  test("is found by a later job without any work", async () => {
    const world = new ShardWorld();
    const { train } = await world.make(small);
    world.ran.length = 0;
    const again = await world.ask(small, "job-2");
    expect(again).toMatchObject({ train: { id: train.id, reused: true, ms: 0 } });
    expect(world.ran).toEqual([]);
    expect(await objectsBelow(world.store, keys.uses(train.id))).toEqual(["job-1", "job-2"]);
  });

  test("leaves nothing else behind", async () => {
    const world = new ShardWorld();
    await world.make(small);
    expect(await objectsBelow(world.store, keys.shardings)).toEqual(["jobs/job-1/000", "outcome.json", "request.json"]);
  });

  test("is made again where a part was removed", async () => {
    const world = new ShardWorld();
    const { train } = await world.make(small);
    await world.store.delete(keys.part(train.id, 1));
    expect(await world.ask(small, "job-2")).toBe("under-way");
    await world.make(small, "job-2");
    expect(differences(await datasetObjects(world.store), await inOnePass(small))).toEqual([]);
  });

  test("of a file that changed since is another one", async () => {
    const wish = await csv(60);
    const world = new ShardWorld();
    const { train } = await world.make(wish);
    await writeFile(join(wish.baseFolder, "n.csv"), "n\n1\n2\n3\n");
    const other = await world.make(wish);
    expect(other.train.id).not.toBe(train.id);
    expect(other.train.manifest.rows).toBe(3);
  });
});

describe("data that is prepared as the training data was", () => {
  const text = (rows: number): string =>
    `n,t\n${Array.from({ length: rows }, (_, row) => `${row},"${"abc"[row % 3]}"\n`).join("")}`;

  test.each(["use", "ignore"] as const)("keeps its categories and statistics; labels: %s", async (labels) => {
    const baseFolder = await folderWith({ "n.csv": text(30), "m.csv": text(40) });
    const fields = {
      features: { columns, standardize: true },
      labels: { column: "t", categories: true },
    } as const;
    const world = new ShardWorld({ limits: { taskBytes: 256 } });
    const { train } = await world.make({
      baseFolder,
      partitions: 2,
      order: "shuffled",
      dataset: { format: "csv", file: "n.csv", ...fields },
    });
    const wish: FileWish = {
      baseFolder,
      partitions: 6,
      order: "kept",
      emptyPartitions: "allow",
      labels,
      preprocessing: train.manifest.fields,
      dataset: { format: "csv", file: "m.csv", ...fields },
    };
    world.ran.length = 0;
    const made = await world.make(wish);
    expect(made.train.manifest.parts.length).toBe(6);
    expect(made.train.manifest.fields).toEqual(
      labels === "use" ? train.manifest.fields : train.manifest.fields.slice(0, 1),
    );
    const alone = await inOnePass(wish);
    const own = await datasetObjects(world.store);
    expect([...alone.keys()].filter((key) => own.get(key)?.equals(alone.get(key) ?? Buffer.of()) !== true)).toEqual([]);
    expect(world.ran.some((step) => step.startsWith("texts"))).toBe(false);
  });
});

describe("two jobs that want the same at the same time", () => {
  test("share the work, and both get it", async () => {
    const world = new ShardWorld();
    await world.ask(small, "job-1");
    await world.ask(small, "job-2");
    await world.run();
    expect(new Set(world.ran).size).toBe(world.ran.length);
    const [one, two] = [await world.ask(small, "job-1"), await world.ask(small, "job-2")];
    expect(one).toMatchObject({ train: { reused: false } });
    expect(two).toMatchObject(one === "under-way" ? {} : { train: { id: one.train.id } });
  });
});

describe("bad data", () => {
  /** The error that the job ends with, whatever the order in which functions run. */
  async function endOf(wish: FileWish, seed: number): Promise<string> {
    const world = new ShardWorld({ seed });
    return complaint(world.make(wish));
  }

  test("is told of as one pass tells of it: the first bad cell, in whatever order runs are read", async () => {
    const wish = await csv(4 * blockRows, {
      [blockRows + 3]: "oops",
      [2 * blockRows + 1]: "worse",
      [3 * blockRows]: "worst",
    });
    const expected = await complaint(inOnePass(wish));
    expect(expected).toContain(`n.csv:${blockRows + 5}, column "n": expected a number, found "oops"`);
    for (const seed of [1, 2, 3, 4]) expect(await endOf(wish, seed)).toBe(expected);
  });

  test("a quote that is left open", async () => {
    const wish = await csv(4 * blockRows, { [2 * blockRows + 1]: '"7' });
    expect(await endOf(wish, 1)).toBe(await complaint(inOnePass(wish)));
  });

  test("an array that is cut short", async () => {
    const shape = Buffer.from([0, 0, 0x0d, 2, 0, 0, 0, 90, 0, 1, 0, 0]);
    const baseFolder = await folderWith({ "x.idx": Buffer.concat([shape, Buffer.alloc(60 * 4 * 65_536 + 5)]) });
    const wish: FileWish = {
      baseFolder,
      partitions: 2,
      order: "kept",
      dataset: { format: "idx", features: { file: "x.idx" } },
    };
    const world = new ShardWorld({ limits: { taskBytes: 8 * 1024 * 1024 } });
    expect(await complaint(world.make(wish))).toBe(await complaint(inOnePass(wish)));
  });

  test("fewer rows than partitions", async () => {
    const wish = { ...(await csv(3)), partitions: 4 };
    expect(await endOf(wish, 1)).toBe(await complaint(inOnePass(wish)));
  });

  test("a file that does not exist is told of at once", async () => {
    const world = new ShardWorld();
    const wish = { ...small, baseFolder: await newFolder() };
    expect(await complaint(world.ask(wish))).toContain("data.not-readable: Cannot read the data file");
    expect(await objectsBelow(world.store, "")).toEqual([]);
  });

  test("a file that changes under way", async () => {
    const wish = await csv(60);
    const world = new ShardWorld({
      fate({ step }) {
        return step.kind === "rows" ? "lost" : "run";
      },
    });
    await world.ask(wish);
    await world.run();
    const late = new ShardWorld({ deps: { store: world.store } });
    const task = await lastStart(world.store, "rows-00000");
    await writeFile(join(wish.baseFolder, "n.csv"), "n\n1\n2\n3\n");
    await late.handle(task);
    const failures = await objectsBelow(world.store, keys.shardings);
    expect(failures.filter((name) => name.startsWith("failures/"))).toEqual(["failures/rows-00000-001.json"]);
    const body = await world.store.get(`${keys.sharding(task.sharding)}failures/rows-00000-001.json`);
    expect(Buffer.from(body?.body ?? []).toString()).toContain("another program changed it");
  });
});

/** The task of the last attempt that was started of a step. */
async function lastStart(store: ObjectStore, step: string): Promise<ShardTask> {
  let found: ShardTask | undefined;
  for await (const { key } of store.list(keys.shardings)) {
    const [, sharding, kind, index, attempt] =
      /^shardings\/([0-9a-f]{64})\/starts\/([a-z]+)-(\d{5})-(\d{3})$/.exec(key) ?? [];
    if (`${kind}-${index}` !== step) continue;
    found = {
      version: 1,
      sharding: sharding as ShardTask["sharding"],
      job: JobId.parse("job-1"),
      step: { kind: kind as ShardTask["step"]["kind"], index: Number(index) },
      attempt: Number(attempt),
    };
  }
  if (found === undefined) throw new Error(`No attempt of ${step} was started.`);
  return found;
}

describe("functions that fail", () => {
  test("a step that never comes to an end ends the job after 4 attempts", async () => {
    const started: number[] = [];
    const world = new ShardWorld({
      fate({ step, attempt }) {
        if (step.kind !== "hash") return "run";
        started.push(attempt);
        return "lost";
      },
    });
    expect(await complaint(world.make(small))).toBe(
      "job.failed: Expected a sharder function to do step hash 0 of the data set; 4 attempts failed, the last one because: it ended without a word, as it does when its memory or its time are over. The job ends as failed.",
    );
    expect(started).toEqual([1, 2, 3, 4]);
  });

  test("another job may try again, as often", async () => {
    const world = new ShardWorld({
      fate: ({ job, step }) => (job === "job-1" && step.kind === "hash" ? "lost" : "run"),
    });
    expect(await complaint(world.make(small, "job-1"))).toContain("job.failed");
    const { train } = await world.make(small, "job-2");
    expect(train.manifest.rows).toBeGreaterThan(0);
  });

  test("a platform that refuses is asked again, and what it said is told at last", async () => {
    const world = new ShardWorld({ fate: ({ step }) => (step.kind === "hash" ? "refused" : "run") });
    expect(await complaint(world.make(small))).toContain("the last one because: Error: The platform is full.");
  });

  test("a platform that will never allow it is not asked again", async () => {
    const forbidden = new StampedeError("store.forbidden", "Expected to be allowed to invoke.");
    const world = new ShardWorld({ deps: { start: () => Promise.reject(forbidden) } });
    await expect(world.ask(small)).rejects.toMatchObject({ code: "store.forbidden", message: forbidden.message });
  });

  test("a step is not started again while it may be under way", async () => {
    const world = new ShardWorld({ fate: () => "later" });
    for (let asked = 0; asked < 5; asked++) expect(await world.ask(small)).toBe("under-way");
    await world.wake();
    expect(world.ran).toEqual(["plan-0"]);
  });

  test("one that the platform reports as dead is started again at once", async () => {
    const world = new ShardWorld({ fate: ({ attempt }) => (attempt === 1 ? "later" : "run") });
    await world.ask(small);
    for (let reports = 0; reports < 8; reports++) {
      await world.report();
      await world.run();
    }
    expect(await world.ask(small)).not.toBe("under-way");
    expect(differences(await datasetObjects(world.store), await inOnePass(small))).toEqual([]);
  });

  test("rows that vanished are read again", async () => {
    const world = new ShardWorld({
      fate: ({ step, attempt }) => (step.kind === "parts" && attempt === 1 ? "later" : "run"),
    });
    await world.ask(small);
    await world.run();
    for await (const { key } of world.store.list(keys.shardings)) {
      if (key.includes("/spools/")) await world.store.delete(key);
    }
    await world.wake();
    await world.make(small);
    expect(differences(await datasetObjects(world.store), await inOnePass(small))).toEqual([]);
    expect(world.ran.filter((name) => name === "rows-0").length).toBe(2);
  });

  test("a job that was cancelled has nothing more started", async () => {
    const world = new ShardWorld();
    await world.ask(small);
    const job = JobId.parse("job-1");
    await world.store.create(keys.cancel(job), encodeRecord(CancelRecord, { version: 1, job, requestedAt: 1 }));
    await world.run();
    expect(world.ran).toEqual(["plan-0"]);
    expect((await datasetObjects(world.store)).size).toBe(0);
  });

  test("no more steps are under way than there may be", async () => {
    let most = 0;
    let open = 0;
    const wish = await csv(5 * blockRows);
    const world = new ShardWorld({
      limits: { taskBytes: 64 },
      fate: () => {
        most = Math.max(most, ++open);
        return "run";
      },
      deps: { maxUnderWay: 2 },
      onRun: () => open--,
    });
    await world.make(wish);
    expect(most).toBeLessThanOrEqual(2);
    expect(differences(await datasetObjects(world.store), await inOnePass(wish))).toEqual([]);
  });
});
