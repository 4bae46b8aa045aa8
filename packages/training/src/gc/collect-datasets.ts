import { DatasetId, JobId, keys, type ObjectInfo } from "@stampede/core";
import { exists } from "../store/records.js";
import type { UsedDatasets } from "./collect-jobs.js";
import { removedAtOnce } from "./remover.js";
import { foldersIn, isOld, objectsIn, type GarbageRun } from "./run.js";

/** Removes data sets that no job refers to or is about to use, and old marks of use. */
export async function collectDatasets(used: UsedDatasets, run: GarbageRun): Promise<void> {
  // A job whose spec cannot be read may need any of them.
  if (used === undefined) return;
  for await (const { name, objects } of foldersIn(run.store, keys.datasets)) {
    const dataset = DatasetId.safeParse(name).data;
    if (dataset === undefined) {
      run.skipped.push({ key: `${keys.datasets}${name}`, reason: "it is not named as a data set" });
    } else if (used.has(dataset)) {
      // The jobs' specs say it now. A mark of a data set that no spec refers to may be all that keeps it.
      const isMark = (key: string): boolean => userOf(key, dataset) !== undefined;
      const marks = objects.filter(({ key, modifiedAt }) => isMark(key) && isOld(run, modifiedAt));
      await run.remover.remove("uses", marks);
    } else if (await isAbandoned(dataset, objects, run)) {
      await removeDataset(dataset, run);
    }
  }
}

/**
 * The manifest goes first: nobody believes in a data set whose partitions are missing. Each look at the folder comes right before what
 * it allows. What remains is a job that marks the data set and reads its manifest between the look and the removal, two calls of the
 * store that follow each other: that job fails with `store.missing`, and works when it is submitted again.
 */
async function removeDataset(dataset: DatasetId, run: GarbageRun): Promise<void> {
  const objects = await objectsIn(run.store, keys.dataset(dataset));
  if (!(await isAbandoned(dataset, objects, run))) return;
  const isManifest = ({ key }: ObjectInfo): boolean => key === keys.manifest(dataset);
  await run.remover.remove("datasets", objects.filter(isManifest));
  run.datasets.push(dataset);
  const rest = objects.filter((object) => !isManifest(object));
  for (let from = 0; from < rest.length; from += removedAtOnce) {
    // Whoever wants it by now writes it anew, and finds partitions that are still there.
    if (!(await isAbandoned(dataset, await objectsIn(run.store, keys.uses(dataset)), run))) return;
    await run.remover.remove("datasets", rest.slice(from, from + removedAtOnce));
  }
}

/** Everything in it is old, and no job that marked it has been stored since. */
async function isAbandoned(dataset: DatasetId, objects: readonly ObjectInfo[], run: GarbageRun): Promise<boolean> {
  for (const { key, modifiedAt } of objects) {
    const user = userOf(key, dataset);
    if (!isOld(run, modifiedAt) || (user !== undefined && (await isStored(user, run)))) return false;
  }
  return true;
}

/** Jobs that a dry run would have removed count as gone. */
async function isStored(job: JobId, { store, jobs }: GarbageRun): Promise<boolean> {
  if (jobs.includes(job)) return false;
  if (await exists(store, keys.spec(job))) return true;
  // One that is still prepared.
  return (await exists(store, keys.request(job))) && !(await exists(store, keys.result(job)));
}

/** The job that a mark of use is of; undefined for other objects. */
function userOf(key: string, dataset: DatasetId): JobId | undefined {
  const folder = keys.uses(dataset);
  return key.startsWith(folder) ? JobId.safeParse(key.slice(folder.length)).data : undefined;
}
