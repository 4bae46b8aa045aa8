import {
  isStampedeError,
  keys,
  ShardingRequest,
  type JobId,
  type ObjectStore,
  type ShardingId,
  type ShardTask,
} from "@stampede/core";
import { runShardStep, type Sharding } from "@stampede/data";
import { inParallel } from "../in-parallel.js";
import { createAny } from "../store/commit.js";
import { exists, readRecord } from "../store/records.js";
import type { SharderDeps } from "./deps.js";
import { commitShardFailure, listSharding, lookAt, ShardingFailed } from "./look.js";

const deletesAtOnce = 16;

/**
 * The sharder: does one step of making a data set, commits what it came to, and has the next steps started when nothing they need
 * is missing. It may die at any instruction and run twice: the first commit of a step is its fact, and a mark in the store says who
 * starts what.
 *
 * @throws StampedeError `store.*`: whoever asks for the data set the next time finds out what is missing
 */
export async function handleShardMessage(task: ShardTask, deps: SharderDeps): Promise<void> {
  await act(task, deps, async (sharding) => doStep(sharding, task, deps));
}

/**
 * The platform reports that a sharder's invocation ended without a word of its own (crash, timeout, out of memory): the next attempt is
 * started at once, where otherwise patience would have to run out first.
 *
 * @throws StampedeError `store.*`
 */
export async function handleLostShardTask(task: ShardTask, error: unknown, deps: SharderDeps): Promise<void> {
  await act(task, deps, async ({ id }) => {
    if (!(await isDone(deps.store, id, task))) await commitShardFailure(deps.store, task, error);
  });
}

/** Does something about a task, and looks what follows. */
async function act(task: ShardTask, deps: SharderDeps, work: (sharding: Sharding) => Promise<void>): Promise<void> {
  const { store, hint } = deps;
  const { sharding: id, job } = task;
  const request = await readRecord(store, ShardingRequest, keys.shardRequest(id));
  if (request === undefined || (await isOver(store, job))) return;
  const sharding: Sharding = { id, request };
  await work(sharding);
  const state = await lookOn(sharding, job, deps);
  if (state === "under-way") return;
  await hint(job);
  if (state === "made") await removeTraces(sharding, store);
}

/** Nobody waits for it: the job was cancelled, or has ended. Another one that waits looks for itself. */
async function isOver(store: ObjectStore, job: JobId): Promise<boolean> {
  return (await exists(store, keys.cancel(job))) || (await exists(store, keys.result(job)));
}

async function doStep(sharding: Sharding, task: ShardTask, deps: SharderDeps): Promise<void> {
  const { store, files, temporaryFolder, signal } = deps;
  const { id } = sharding;
  const { step, job } = task;
  if (await isDone(store, id, task)) return;
  try {
    const fact = await runShardStep(sharding, step, {
      store,
      job,
      files,
      ...(temporaryFolder !== undefined && { temporaryFolder }),
      ...(signal && { signal }),
    });
    await createAny(store, fact.key, fact.body);
  } catch (error) {
    // A late one finds that what it needs was taken away, because all is done.
    if (await isDone(store, id, task)) return;
    await forgetLostSpool(sharding, store, error);
    await commitShardFailure(store, task, error);
  }
}

async function isDone(store: ObjectStore, id: ShardingId, { step }: ShardTask): Promise<boolean> {
  return (await exists(store, keys.shardOutcome(id))) || (await exists(store, keys.shardFact(id, step)));
}

/** Rows that were read and are no longer there have to be read again. */
async function forgetLostSpool({ id }: Sharding, store: ObjectStore, error: unknown): Promise<void> {
  if (!isStampedeError(error) || error.code !== "store.missing") return;
  const run = /\/spools\/(\d{5,})$/.exec(String(error.details["key"]))?.[1];
  if (run !== undefined) await store.delete(keys.shardFact(id, { kind: "rows", index: Number(run) }));
}

async function lookOn(sharding: Sharding, job: JobId, deps: SharderDeps): Promise<"made" | "under-way" | "failed"> {
  try {
    return await lookAt(sharding, job, deps);
  } catch (error) {
    // The job's own end: `requestDataset` says so when it is asked again.
    if (error instanceof ShardingFailed) return "failed";
    throw error;
  }
}

/** Takes away all but what says which data sets came of it. Facts go before the rows that they speak of. */
async function removeTraces({ id }: Sharding, store: ObjectStore): Promise<void> {
  const objects = await listSharding(store, id);
  for (const folder of ["steps/", "spools/", "starts/", "failures/"]) {
    const prefix = `${keys.sharding(id)}${folder}`;
    const own = objects.filter(({ key }) => key.startsWith(prefix));
    await inParallel(own, deletesAtOnce, ({ key }) => store.delete(key));
  }
}
