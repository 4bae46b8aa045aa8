import { DriverMessage, encodeMessage, JobId, keys } from "@stampede/core";
import type { CommonDeps } from "../deps.js";
import { exists } from "../store/records.js";
import { readHead } from "../store/job-store.js";

/** A timer that is so late is lost: SQS delivers within seconds. */
const lateMs = 30_000;
/** A mark this old, without a job, is of a client that died before it had submitted it. */
const abandonedMs = 24 * 60 * 60 * 1000;

/**
 * The sweeper: wakes the driver of every unfinished job whose timer has passed without effect, so that no lost message, and no
 * message that died in the dead letters, stops a job for ever. Called on a schedule, every few minutes.
 *
 * @throws StampedeError `store.*`
 */
export async function sweepJobs(deps: Pick<CommonDeps, "store" | "queues" | "clock">): Promise<void> {
  const { store, clock } = deps;
  for await (const { key, modifiedAt } of store.list(keys.unfinished)) {
    const parsed = JobId.safeParse(key.slice(keys.unfinished.length));
    // Not Stampede's own.
    if (!parsed.success) continue;
    const job = parsed.data;
    if (await exists(store, keys.result(job))) await store.delete(key);
    else if (await exists(store, keys.spec(job))) await wakeIfLate(job, deps);
    else if (clock.now() - modifiedAt > abandonedMs) await store.delete(key);
  }
}

async function wakeIfLate(
  job: JobId,
  { store, queues, clock }: Pick<CommonDeps, "store" | "queues" | "clock">,
): Promise<void> {
  const timerAt = (await readHead(store, job))?.head.timerAt;
  if (timerAt !== undefined && clock.now() < timerAt + lateMs) return;
  const timer = timerAt === undefined ? {} : { timerAt };
  const look = { version: 1, type: "look", job, reason: "sweep", ...timer } as const;
  await queues.driver.send(encodeMessage(DriverMessage, look));
}
