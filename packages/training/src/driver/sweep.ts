import { DriverMessage, encodeMessage, isDamage, JobId, keys, type ObjectInfo } from "@stampede/core";
import type { CommonDeps } from "../deps.js";
import { readHead } from "../store/job-store.js";
import { exists } from "../store/records.js";

/** A timer that is so late is lost: SQS delivers within seconds. */
const lateMs = 30_000;
/** A job that was requested and has made no progress for so long is stalled: models are built and compiled in less. */
const preparingMs = 60_000;
/** A mark this old, without a job, is of a client that died before it had submitted it. */
const abandonedMs = 24 * 60 * 60 * 1000;

type SweeperDeps = Pick<CommonDeps, "store" | "queues" | "clock">;

/**
 * The sweeper: wakes the driver of every unfinished job whose timer has passed without effect, so that no lost message, and no
 * message that died in the dead letters, stops a job for ever. Called on a schedule, every few minutes. What is wrong with one job
 * keeps no other from being looked at.
 *
 * @throws StampedeError `store.*`: the first one, after all jobs
 */
export async function sweepJobs(deps: SweeperDeps): Promise<void> {
  const failed: unknown[] = [];
  for await (const mark of deps.store.list(keys.unfinished)) {
    await sweepJob(mark, deps).catch((error: unknown) => failed.push(error));
  }
  if (failed.length > 0) throw failed[0];
}

async function sweepJob({ key, modifiedAt }: ObjectInfo, deps: SweeperDeps): Promise<void> {
  const { store, clock } = deps;
  const parsed = JobId.safeParse(key.slice(keys.unfinished.length));
  // Not Stampede's own.
  if (!parsed.success) return;
  const job = parsed.data;
  if (await exists(store, keys.result(job))) return store.delete(key);
  if (await exists(store, keys.spec(job))) return wakeIfLate(job, deps);
  if (await exists(store, keys.request(job))) return prepareIfLate(job, deps);
  if (clock.now() - modifiedAt > abandonedMs) await store.delete(key);
}

async function wakeIfLate(job: JobId, { store, queues, clock }: SweeperDeps): Promise<void> {
  const timerAt = await timerOf(job, store);
  if (timerAt !== undefined && clock.now() < timerAt + lateMs) return;
  const timer = timerAt === undefined ? {} : { timerAt };
  const look = { version: 1, type: "look", job, reason: "sweep", ...timer } as const;
  await queues.driver.send(encodeMessage(DriverMessage, look));
}

/** Data may be on its way for hours: then it costs a dozen small requests to find out, and whoever brings it goes on where it was stalled. */
async function prepareIfLate(job: JobId, { store, queues, clock }: SweeperDeps): Promise<void> {
  let newest = 0;
  for await (const { modifiedAt } of store.list(keys.job(job))) newest = Math.max(newest, modifiedAt);
  if (clock.now() < newest + preparingMs) return;
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "prepare", job }));
}

/** Undefined where nobody has looked at the job yet, or its head is damaged: the driver then ends the job, and says so. */
async function timerOf(job: JobId, store: CommonDeps["store"]): Promise<number | undefined> {
  try {
    return (await readHead(store, job))?.head.timerAt;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
