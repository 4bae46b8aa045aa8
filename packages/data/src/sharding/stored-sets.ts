import { keys, type DatasetId, type DatasetManifest } from "@stampede/core";
import { findWhole } from "./find-whole.js";
import type { ShardDeps, ShardedSet, ShardOutcome } from "./request.js";

export interface Ids {
  readonly train: DatasetId;
  readonly validation: DatasetId | undefined;
}
export interface Manifests {
  readonly train: DatasetManifest;
  readonly validation: DatasetManifest | undefined;
}

/** A mark that is there already is this job's own, of an earlier try. */
export async function markUse(
  { train, validation }: Ids,
  { store, job }: Pick<ShardDeps, "store" | "job">,
): Promise<void> {
  if (job === undefined) return;
  const marked = validation === undefined ? [train] : [train, validation];
  await Promise.all(marked.map(async (id) => store.create(keys.use(id, job), new Uint8Array())));
}

export async function findStored(
  { train, validation }: Ids,
  { store }: Pick<ShardDeps, "store">,
): Promise<Manifests | undefined> {
  const found = await findWhole(store, train);
  if (found === undefined) return undefined;
  if (validation === undefined) return { train: found, validation: undefined };
  const heldOut = await findWhole(store, validation);
  return heldOut === undefined ? undefined : { train: found, validation: heldOut };
}

export function outcomeOf({ train, validation }: Manifests, reused: boolean, ms: number): ShardOutcome {
  const describe = (manifest: DatasetManifest): ShardedSet => ({
    id: manifest.dataset,
    manifest,
    reused,
    ms,
    bytes: manifest.parts.reduce((sum, part) => sum + part.bytes, 0),
  });
  return { train: describe(train), ...(validation === undefined ? {} : { validation: describe(validation) }) };
}
