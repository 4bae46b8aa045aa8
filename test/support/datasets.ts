import { DatasetId, DatasetManifest, encodeRecord, keys, sha256Hex, type ObjectStore } from "@stampede/core";
import { shardDataset } from "@stampede/data";
import { linearRows } from "./linear-rows.js";

/** Stores a data set of y = 2a - 3b whose partitions have exactly these numbers of rows; the product itself spreads rows evenly. */
export async function storePartitions(store: ObjectStore, partitionRows: readonly number[]): Promise<DatasetManifest> {
  const parts = [];
  const bodies = [];
  let fields: DatasetManifest["fields"] = [];
  for (const [partition, rows] of partitionRows.entries()) {
    // An empty partition is what remains when one row is dealt to two.
    const dealt = await shardDataset(
      {
        dataset: linearRows(Math.max(rows, 1), partition),
        baseFolder: ".",
        partitions: rows === 0 ? 2 : 1,
        order: "kept",
        emptyPartitions: "allow",
      },
      { store },
    );
    const { id, manifest } = dealt.train;
    const index = rows === 0 ? 1 : 0;
    const body = (await store.get(keys.part(id, index)))?.body;
    const part = manifest.parts[index];
    if (body === undefined || part?.rows !== rows) throw new Error(`no partition of ${rows} rows`);
    parts.push(part);
    bodies.push(body);
    fields = manifest.fields;
  }
  const dataset = DatasetId.parse(sha256Hex(JSON.stringify(parts)));
  for (const [index, body] of bodies.entries()) await store.create(keys.part(dataset, index), body);
  const rows = partitionRows.reduce((sum, count) => sum + count, 0);
  const manifest: DatasetManifest = { version: 1, dataset, rows, fields, parts };
  await store.create(keys.manifest(dataset), encodeRecord(DatasetManifest, manifest));
  return manifest;
}
