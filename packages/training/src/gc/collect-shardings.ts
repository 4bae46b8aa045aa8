import { JobId, keys, readShardingKey, ShardingId, type ObjectInfo } from "@stampede/core";
import { exists } from "../store/records.js";
import { foldersIn, isOld, objectsIn, type GarbageRun } from "./run.js";

/**
 * Removes what is left of shardings that nobody is at any more: their jobs were cancelled or have failed, or the data set is there since
 * long. Rows on their way are as large as the data. A sharding whose folder goes is begun anew by whoever wants its data set.
 */
export async function collectShardings(run: GarbageRun): Promise<void> {
  const { store, remover } = run;
  for await (const { name, objects } of foldersIn(store, keys.shardings)) {
    const sharding = ShardingId.safeParse(name).data;
    if (sharding === undefined) {
      run.skipped.push({ key: `${keys.shardings}${name}`, reason: "it is not named as a sharding" });
      continue;
    }
    if (!(await isAbandoned(sharding, objects, run))) continue;
    // Once more, because somebody may have asked for the data set meanwhile.
    const found = await objectsIn(store, keys.sharding(sharding));
    if (!(await isAbandoned(sharding, found, run))) continue;
    // Facts go before what they tell of: a removal that is cut short leaves none that is not true.
    const isFact = ({ key }: ObjectInfo): boolean => readShardingKey(key, sharding)?.kind === "fact";
    await remover.remove("shardings", found.filter(isFact));
    await remover.remove(
      "shardings",
      found.filter((object) => !isFact(object)),
    );
  }
}

/** Everything in it is old, and no job that waits for it is still being prepared. */
async function isAbandoned(sharding: ShardingId, objects: readonly ObjectInfo[], run: GarbageRun): Promise<boolean> {
  if (!objects.every(({ modifiedAt }) => isOld(run, modifiedAt))) return false;
  const waiting = new Set(objects.flatMap(({ key }) => waitingIn(key, sharding)));
  for (const job of waiting) if (await isBeingPrepared(job, run)) return false;
  return true;
}

function waitingIn(key: string, sharding: ShardingId): readonly JobId[] {
  const read = readShardingKey(key, sharding);
  const job = read?.kind === "waiting" ? JobId.safeParse(read.job).data : undefined;
  return job === undefined ? [] : [job];
}

async function isBeingPrepared(job: JobId, { store }: GarbageRun): Promise<boolean> {
  if ((await exists(store, keys.spec(job))) || (await exists(store, keys.result(job)))) return false;
  return exists(store, keys.request(job));
}
