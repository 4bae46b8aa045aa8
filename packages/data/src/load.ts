import {
  DatasetManifest,
  decodeRecord,
  keys,
  readObject,
  sha256Hex,
  StampedeError,
  type DatasetId,
  type ObjectStore,
  type Part,
  type PartitionData,
} from "@stampede/core";
import { columnOf } from "./arrow/column-types.js";
import { corrupt } from "./arrow/corrupt.js";
import { readArrowFile } from "./arrow/read-file.js";

/**
 * The manifest of a data set.
 *
 * @throws StampedeError `store.missing` when there is none, `store.corrupt` when it is damaged or another data set's
 */
export async function loadManifest(store: ObjectStore, id: DatasetId): Promise<DatasetManifest> {
  const manifest = await findManifest(store, id);
  if (manifest !== undefined) return manifest;
  const key = keys.manifest(id);
  throw new StampedeError("store.missing", `Expected the data set's manifest ${key} in the store, found none.`, {
    details: { key },
  });
}

export async function findManifest(store: ObjectStore, id: DatasetId): Promise<DatasetManifest | undefined> {
  const key = keys.manifest(id);
  const found = await readObject(store, key, (body) => {
    const manifest = decodeRecord(DatasetManifest, body, key);
    if (manifest.dataset !== id) throw corrupt(key, `the manifest of ${id}`, `that of ${manifest.dataset}`);
    return manifest;
  });
  return found?.value;
}

/**
 * One partition of a data set. Its tensors, of shape [rows, ...storedShape] and of the field's storage dtype, are views of the
 * object's bytes: they stay as they are, unscaled.
 *
 * @throws StampedeError `store.missing`, `store.corrupt` when the object's bytes are not those of the manifest
 */
export async function loadPartition(
  store: ObjectStore,
  manifest: DatasetManifest,
  index: number,
): Promise<PartitionData> {
  const part = manifest.parts[index];
  if (part === undefined) {
    const text = `Expected a partition 0 ... ${manifest.parts.length - 1} of the data set, found ${index}.`;
    throw new StampedeError("internal.unexpected", text);
  }
  const key = keys.part(manifest.dataset, index);
  const found = await readObject(store, key, (body) => decodePartition(body, manifest, part, key));
  if (found === undefined) {
    const text = `Expected the partition file ${key} in the store, found none: it was removed from outside. A new job on the same data writes it anew.`;
    throw new StampedeError("store.missing", text, { details: { key } });
  }
  return found.value;
}

function decodePartition(body: Uint8Array, manifest: DatasetManifest, part: Part, key: string): PartitionData {
  if (body.length !== part.bytes) throw corrupt(key, `${part.bytes} bytes`, String(body.length));
  if (sha256Hex(body) !== part.sha256) throw corrupt(key, `bytes with SHA-256 ${part.sha256}`, "others");
  const tensors = readArrowFile(body, manifest.fields.map(columnOf), key);
  const fields = manifest.fields.flatMap((field, position) => {
    const tensor = tensors[position];
    return tensor === undefined ? [] : [{ field, tensor }];
  });
  const unequal = fields.find(({ tensor }) => tensor.shape[0] !== part.rows);
  if (unequal !== undefined) throw corrupt(key, `${part.rows} rows`, String(unequal.tensor.shape[0]));
  return { rows: part.rows, fields };
}
