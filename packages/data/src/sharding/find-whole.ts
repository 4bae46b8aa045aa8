import { keys, type DatasetId, type DatasetManifest, type ObjectStore } from "@stampede/core";
import { findManifest } from "../load.js";

const looksAtOnce = 32;

/**
 * The manifest of a data set that is there with all its parts. The manifest alone does not tell: a part that somebody removed, or cut
 * short, would fail every later job on this data, and submitting again would never help. Their bytes are not read here; whoever
 * uses a part checks them.
 */
export async function findWhole(store: ObjectStore, id: DatasetId): Promise<DatasetManifest | undefined> {
  const manifest = await findManifest(store, id);
  return manifest !== undefined && (await hasAllParts(store, manifest)) ? manifest : undefined;
}

async function hasAllParts(store: ObjectStore, { dataset, parts }: DatasetManifest): Promise<boolean> {
  for (let from = 0; from < parts.length; from += looksAtOnce) {
    const looks = parts.slice(from, from + looksAtOnce).map(async ({ bytes }, offset) => {
      const found = await store.head(keys.part(dataset, from + offset));
      return found?.bytes === bytes;
    });
    if ((await Promise.all(looks)).includes(false)) return false;
  }
  return true;
}
