import {
  isDamage,
  isStampedeError,
  JobId,
  keys,
  type DatasetId,
  type JobHead,
  type JobResult,
  type JobSpec,
  type ObjectInfo,
} from "@stampede/core";
import { exists } from "../store/records.js";
import { readHead, readResult, readSpec } from "../store/job-store.js";
import { keepHistory, maxHistoryEntries } from "./history.js";
import { planJob, type JobPlan } from "./plan-job.js";
import type { GarbageKind } from "./report.js";
import { foldersIn, isOld, objectsIn, type Folder, type GarbageRun } from "./run.js";

/** Data sets that the remaining jobs need; undefined when that cannot be told. */
export type UsedDatasets = ReadonlySet<DatasetId> | undefined;

/** Removes what ended and running jobs do not need any more, whole jobs that are too old, and what is left of jobs that are none. */
export async function collectJobs(run: GarbageRun): Promise<UsedDatasets> {
  const used = new Set<DatasetId>();
  let isKnown = true;
  for await (const folder of foldersIn(run.store, keys.jobs)) {
    const job = JobId.safeParse(folder.name).data;
    if (job === undefined) {
      run.skipped.push({ key: `${keys.jobs}${folder.name}`, reason: "it is not named as a job" });
    } else if (folder.objects.some(({ key }) => key === keys.spec(job))) {
      const spec = await collectJob(job, folder, run);
      if (spec === "unknown") isKnown = false;
      else for (const dataset of datasetsOf(spec)) used.add(dataset);
    } else if (folder.objects.some(({ key }) => key === keys.request(job))) {
      await collectRequested(job, folder, run);
    } else {
      await collectOrphan(job, folder.objects, run);
    }
  }
  return isKnown ? used : undefined;
}

function datasetsOf(spec: JobSpec | undefined): readonly DatasetId[] {
  if (spec === undefined) return [];
  return spec.validation === undefined ? [spec.dataset] : [spec.dataset, spec.validation];
}

/** The spec of a job that remains; undefined for one that is gone; `unknown` for one whose spec nobody can read. */
async function collectJob(job: JobId, { objects }: Folder, run: GarbageRun): Promise<JobSpec | undefined | "unknown"> {
  const spec = await understood(run, keys.spec(job), () => specUnlessGone(job, run));
  if (spec === "unknown" || spec === undefined) return spec;
  const facts = await understood(run, keys.job(job), () => lifeOf(job, objects, run));
  if (facts === "unknown") return spec;
  if (isForgotten(facts.result, run)) {
    await removeJob(job, objects, run);
    return undefined;
  }
  const plan = planJob({ spec, ...facts, objects }, (at) => isOld(run, at));
  const weights = plan.removals.filter(({ kind }) => kind === "weights");
  // All else first: the history is made from the weights alone, and on a full disk there may be room for it only then.
  for (const { kind, objects: those } of plan.removals) if (kind !== "weights") await run.remover.remove(kind, those);
  const isSafe = await understood(run, keys.history(job), () => keepRounds(spec, plan, run));
  if (isSafe === true) for (const { kind, objects: those } of weights) await run.remover.remove(kind, those);
  return spec;
}

/**
 * A job that was requested and never came to be one stays as long as others, so that its error can be read; one that is still prepared
 * is not touched, and has marked the data sets it is going to use.
 */
async function collectRequested(job: JobId, { objects }: Folder, run: GarbageRun): Promise<void> {
  if (!objects.some(({ key }) => key === keys.result(job))) return;
  const result = await understood(run, keys.result(job), () => readResult(run.store, job));
  if (result !== "unknown" && isForgotten(result, run)) await removeJob(job, objects, run);
}

/** The job may have been removed since it was listed. */
async function specUnlessGone(job: JobId, { store }: GarbageRun): Promise<JobSpec | undefined> {
  try {
    return await readSpec(store, job);
  } catch (error) {
    if (isStampedeError(error) && error.code === "job.not-found") return undefined;
    throw error;
  }
}

/** A job counts as ended when it had ended before its rounds were listed: then none of them is missing in the list. */
async function lifeOf(
  job: JobId,
  objects: readonly ObjectInfo[],
  { store }: GarbageRun,
): Promise<{ readonly result: JobResult | undefined; readonly head: JobHead | undefined }> {
  const hadEnded = objects.some(({ key }) => key === keys.result(job));
  const [result, read] = await Promise.all([hadEnded ? readResult(store, job) : undefined, readHead(store, job)]);
  return { result, head: read?.head };
}

function isForgotten(result: JobResult | undefined, { options, now }: GarbageRun): boolean {
  const { jobsOlderThanMs } = options;
  return result !== undefined && jobsOlderThanMs !== undefined && now - result.endedAt >= jobsOlderThanMs;
}

/** Whether the weights of rounds may go. */
async function keepRounds({ job, partitions }: JobSpec, { history }: JobPlan, run: GarbageRun): Promise<boolean> {
  if (history === undefined) return true;
  if (history.length * partitions > maxHistoryEntries) {
    const reason = `it would have ${history.length} rounds of ${partitions} executors, more than fit one record; their weights stay`;
    run.skipped.push({ key: keys.history(job), reason });
    return false;
  }
  if (!run.options.dryRun) await keepHistory(run.store, job, history);
  return true;
}

/**
 * The request and the spec go first: without them there is no job any more, and whatever a crash leaves is an orphan for the next run. The result goes
 * last: a driver that wakes up meanwhile does not take the job for a new one, and the next run knows the orphan for what it is.
 */
async function removeJob(job: JobId, objects: readonly ObjectInfo[], run: GarbageRun): Promise<void> {
  const beginnings = [keys.request(job), keys.spec(job)];
  const isBeginning = ({ key }: ObjectInfo): boolean => beginnings.includes(key);
  await run.remover.remove("jobs", objects.filter(isBeginning));
  run.jobs.push(job);
  const rest = objects.filter((object) => !isBeginning(object));
  await removeAllBut(keys.result(job), "jobs", rest, run);
}

/** Removes this object when all others are gone. */
async function removeAllBut(
  last: string,
  kind: GarbageKind,
  objects: readonly ObjectInfo[],
  { remover }: GarbageRun,
): Promise<void> {
  const isLast = ({ key }: ObjectInfo): boolean => key === last;
  await remover.remove(
    kind,
    objects.filter((object) => !isLast(object)),
  );
  await remover.remove(kind, objects.filter(isLast));
}

/**
 * Objects of a job without a spec: one that is about to be stored, or never was, or whose removal was cut short. Of the three only the
 * last has a result.
 */
async function collectOrphan(job: JobId, listed: readonly ObjectInfo[], run: GarbageRun): Promise<void> {
  const has = (objects: readonly ObjectInfo[], wanted: string): boolean => objects.some(({ key }) => key === wanted);
  const isAbandoned = (objects: readonly ObjectInfo[]): boolean =>
    !has(objects, keys.spec(job)) &&
    (has(objects, keys.result(job)) || objects.every(({ modifiedAt }) => isOld(run, modifiedAt)));
  if (!isAbandoned(listed)) return;
  // Once more, because the job may have been stored meanwhile.
  const objects = await objectsIn(run.store, keys.job(job));
  if (isAbandoned(objects)) await removeAllBut(keys.result(job), "leftovers", objects, run);
}

/** Marks of jobs that have ended, or that never came to be. */
export async function collectMarks(run: GarbageRun): Promise<void> {
  const { store, remover } = run;
  for (const mark of await objectsIn(store, keys.unfinished)) {
    const job = JobId.safeParse(mark.key.slice(keys.unfinished.length)).data;
    if (job === undefined) continue;
    const ended = await exists(store, keys.result(job));
    const isAbandoned = !ended && isOld(run, mark.modifiedAt) && !(await isAJob(job, run));
    if (ended || isAbandoned) await remover.remove("leftovers", [mark]);
  }
}

async function isAJob(job: JobId, { store }: GarbageRun): Promise<boolean> {
  return (await exists(store, keys.spec(job))) || exists(store, keys.request(job));
}

/** What cannot be read, or for which there is no room, is left alone, and said. */
async function understood<T>(run: GarbageRun, key: string, read: () => Promise<T>): Promise<T | "unknown"> {
  try {
    return await read();
  } catch (error) {
    const isFull = isStampedeError(error) && error.code === "store.full";
    if (!isDamage(error) && !isFull) throw error;
    run.skipped.push({ key, reason: error instanceof Error ? error.message : String(error) });
    return "unknown";
  }
}
