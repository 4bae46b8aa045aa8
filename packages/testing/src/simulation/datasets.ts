import {
  DatasetId,
  DatasetManifest,
  encodeRecord,
  keys,
  sha256Hex,
  type Field,
  type ObjectStore,
  type Part,
} from "@stampede/core";
import { memorySource, shardDataset } from "@stampede/data";
import { MemoryObjectStore } from "../memory-object-store.js";
import { mix, unit } from "./random.js";

interface StoredPart {
  readonly part: Part;
  readonly body: Uint8Array;
  readonly fields: readonly Field[];
}

/** Tiny data sets of y = 2a - 3b, made once and then shared by every world. */
export class Datasets {
  readonly store: ObjectStore = new MemoryObjectStore();
  readonly #parts = new Map<string, Promise<StoredPart>>();
  readonly #sets = new Map<string, Promise<DatasetId>>();

  /** A data set whose partitions have exactly these numbers of rows. */
  of(partitionRows: readonly number[]): Promise<DatasetId> {
    const name = partitionRows.join(",");
    const known = this.#sets.get(name) ?? this.#make(partitionRows);
    this.#sets.set(name, known);
    return known;
  }

  async #make(partitionRows: readonly number[]): Promise<DatasetId> {
    const parts = await Promise.all(partitionRows.map((rows, partition) => this.#part(rows, partition)));
    const dataset = DatasetId.parse(sha256Hex(JSON.stringify(parts.map(({ part }) => part))));
    const rows = partitionRows.reduce((sum, count) => sum + count, 0);
    const fields = [...(parts[0]?.fields ?? [])];
    const manifest = { version: 1, dataset, rows, fields, parts: parts.map(({ part }) => part) } as const;
    for (const [index, { body }] of parts.entries()) await this.store.create(keys.part(dataset, index), body);
    await this.store.create(
      keys.manifest(dataset),
      encodeRecord(DatasetManifest, { ...manifest, parts: [...manifest.parts] }),
    );
    return dataset;
  }

  #part(rows: number, partition: number): Promise<StoredPart> {
    const name = `${rows} ${partition}`;
    const known = this.#parts.get(name) ?? makePart(rows, partition);
    this.#parts.set(name, known);
    return known;
  }
}

async function makePart(rows: number, partition: number): Promise<StoredPart> {
  const store = new MemoryObjectStore();
  // An empty partition is what remains when one row is dealt to two.
  const { train } = await shardDataset(
    {
      dataset: linearRows(Math.max(rows, 1), partition),
      baseFolder: ".",
      partitions: rows === 0 ? 2 : 1,
      order: "kept",
      emptyPartitions: "allow",
    },
    { store },
  );
  const index = rows === 0 ? 1 : 0;
  const body = (await store.get(keys.part(train.id, index)))?.body;
  const part = train.manifest.parts[index];
  if (body === undefined || part?.rows !== rows) throw new Error(`no partition of ${rows} rows`);
  return { part, body, fields: train.manifest.fields };
}

function linearRows(rows: number, key: number): ReturnType<typeof memorySource> {
  const value = (row: number, column: number): number => unit(mix(mix(key, row), column)) * 2 - 1;
  const x = Array.from({ length: rows }, (_, row) => [value(row, 0), value(row, 1)]);
  return memorySource({ x, y: x.map(([a = 0, b = 0]) => 2 * a - 3 * b) });
}
