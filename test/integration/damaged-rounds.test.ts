import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showJob, train } from "@stampede/client";
import { JobFile, keys, parseJobId } from "@stampede/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Attic } from "../support/garbage.js";
import { storeCluster } from "../support/store-cluster.js";

const job = parseJobId("a-job");
const rounds = 4;
const jobFile = JobFile.parse({
  name: "job",
  model: "./model.js",
  data: { train: { format: "builtin", name: "digits" } },
  training: {},
});

let folder = "";
let attic: Attic;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-rounds-"));
  attic = new Attic();
  const { world, spec } = await attic.submit("a-job", { training: { epochs: rounds, batchSize: 8 } });
  expect((await world.run(spec))?.status).toBe("succeeded");
});
afterEach(() => rm(folder, { recursive: true }));

async function damage(key: string): Promise<void> {
  const body = (await attic.store.get(key))?.body ?? new Uint8Array();
  await attic.store.delete(key);
  await attic.store.create(
    key,
    body.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
  );
}

const shown = () => showJob(storeCluster(attic.store), job);

/** Saves the model of the job, which has succeeded. */
async function save() {
  const model = { type: "file", path: "nowhere" } as const;
  const cluster = storeCluster(attic.store);
  return train({ job: jobFile, model, baseFolder: ".", cluster, out: join(folder, "out"), resume: job });
}

describe("a job that has succeeded, of which a round", () => {
  it.each([
    ["is damaged", "damaged", damage],
    ["is gone", "missing", (key: string) => attic.store.delete(key)],
  ] as const)("%s, is saved, and shown without that round", async (_, found, harm) => {
    const whole = await shown();
    expect(whole).toMatchObject({ unreadable: [], history: Array.from({ length: rounds }, () => ({})) });
    await harm(keys.weights(job, 2));
    const event = await save();
    expect(event).toMatchObject({ rounds, weightsSha256: whole.weightsSha256, computeMs: expect.any(Number) });
    expect(await readdir(join(folder, "out/model"))).toContain("weights.bin");
    const { history, unreadable, metrics, validation } = await shown();
    expect(history.map(({ round }) => round)).toEqual([1, 3, 4]);
    expect(unreadable).toEqual([{ round: 2, key: keys.weights(job, 2), found }]);
    expect({ metrics, validation }).toEqual({ metrics: whole.metrics, validation: whole.validation });
    // The validation of the weights that round 1 ended in stands in the record that is gone.
    expect(history[0]?.validation).toBeUndefined();
    expect(history.slice(1)).toEqual(whole.history.slice(2));
  });

  it("is the last, is shown without it", async () => {
    const whole = await shown();
    await damage(keys.weights(job, rounds));
    const { history, unreadable } = await shown();
    expect(unreadable).toEqual([{ round: rounds, key: keys.weights(job, rounds), found: "damaged" }]);
    expect(history).toEqual(whole.history.slice(0, -1));
  });

  it("was cleared away, is saved when the record that was left of it is damaged", async () => {
    await attic.collect({ minAgeMs: 0 });
    await damage(keys.history(job));
    expect(await save()).toMatchObject({ rounds, computeMs: expect.any(Number) });
    const { history, unreadable } = await shown();
    expect(unreadable).toContainEqual({ round: undefined, key: keys.history(job), found: "damaged" });
    expect(history.map(({ round }) => round)).toEqual([rounds]);
  });
});

it("a job that failed has no rounds missing that it never came to", async () => {
  const other = new Attic();
  const { world, spec } = await other.submit(
    "a-job",
    { training: { epochs: rounds, batchSize: 8, maxAttempts: 1 }, partitionRows: [9] },
    { fateOf: (event) => (event.to === "executor" && event.task.stage.round === 3 ? "lose" : "deliver") },
  );
  await world.run(spec, () => world.started.length === 3);
  const [task] = world.started.slice(-1);
  if (task === undefined) throw new Error("nothing was started");
  const error = { code: "task.crashed", message: "killed", retryable: true } as const;
  world.tell({ version: 1, type: "invocation-failed", task, error });
  expect((await world.run(spec))?.status).toBe("failed");
  const { unreadable, history } = await showJob(storeCluster(other.store), job);
  expect([unreadable, history.map(({ round }) => round)]).toEqual([[], [1, 2]]);
});
