import { keys } from "@stampede/core";
import { collectDatasets } from "./collect-datasets.js";
import { collectJobs, collectMarks } from "./collect-jobs.js";
import { collectShardings } from "./collect-shardings.js";
import { Remover } from "./remover.js";
import type { GarbageReport } from "./report.js";
import { isOld, objectsIn, type GarbageDeps, type GarbageOptions, type GarbageRun } from "./run.js";

/**
 * Removes what no job needs, and never what one does: see the README for what that is. It may be cut short anywhere, and any number may
 * run at once, also while jobs run and are submitted; the next run does what is left.
 *
 * @throws StampedeError `store.*`; what was removed before stays removed
 */
export async function collectGarbage(options: GarbageOptions, { store, clock }: GarbageDeps): Promise<GarbageReport> {
  const remover = new Remover(store, options.dryRun);
  const run: GarbageRun = { options, store, remover, now: clock.now(), jobs: [], datasets: [], skipped: [] };
  const used = await collectJobs(run);
  await collectMarks(run);
  await collectDatasets(used, run);
  await collectShardings(run);
  await collectPlans(run);
  await collectRequests(run);
  await collectUploads(run);
  const { jobs, datasets, skipped } = run;
  return { dryRun: options.dryRun, removed: remover.counts, jobs, datasets, skipped };
}

/** A plan is only a shortcut: whoever finds none compiles the model. */
async function collectPlans(run: GarbageRun): Promise<void> {
  const plans = await objectsIn(run.store, keys.plans);
  await run.remover.remove(
    "plans",
    plans.filter(({ modifiedAt }) => isOld(run, modifiedAt)),
  );
}

/** Whoever repeats a request does so within minutes; after that the same key is a new one. */
async function collectRequests(run: GarbageRun): Promise<void> {
  const requests = await objectsIn(run.store, keys.requests);
  await run.remover.remove(
    "requests",
    requests.filter(({ modifiedAt }) => isOld(run, modifiedAt)),
  );
}

/** A job that waits, and every later job, may name an upload: they go with the jobs of their time, and never by default. */
async function collectUploads(run: GarbageRun): Promise<void> {
  const { jobsOlderThanMs } = run.options;
  if (jobsOlderThanMs === undefined) return;
  const uploads = await objectsIn(run.store, keys.uploads);
  await run.remover.remove(
    "uploads",
    uploads.filter(({ modifiedAt }) => isOld(run, modifiedAt) && run.now - modifiedAt >= jobsOlderThanMs),
  );
}
