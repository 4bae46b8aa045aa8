import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { sizeOf, StampedeError, tensorOf, type Field, type ObjectStore, type PartitionData } from "@stampede/core";
import {
  loadPartition,
  memorySource,
  shardDataset,
  type ShardDeps,
  type ShardedSet,
  type ShardRequest,
} from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";

export const fixtures = join(import.meta.dirname, "../../fixtures/data");

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** An empty folder that is removed after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stampede-data-test-"));
  folders.push(folder);
  return folder;
}

/** A folder with these files. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

type Wish = Partial<ShardRequest> & Pick<ShardRequest, "dataset">;

/** Shards into one partition in the order of the source, unless asked otherwise. */
export async function shard(
  wish: Wish,
  deps: Partial<ShardDeps> = {},
): Promise<Awaited<ReturnType<typeof shardDataset>>> {
  const request: ShardRequest = { baseFolder: fixtures, partitions: 1, order: "kept", ...wish };
  return shardDataset(request, { store: new MemoryObjectStore(), ...deps });
}

export async function loadAll(store: ObjectStore, { manifest }: ShardedSet): Promise<readonly PartitionData[]> {
  return Promise.all(manifest.parts.map((_, index) => loadPartition(store, manifest, index)));
}

export interface ReadSet {
  readonly fields: readonly Field[];
  /** Stored values by field, row-major. */
  readonly values: readonly (readonly number[])[];
}

/** The stored values of all rows in the order of the source. */
export async function read(wish: Wish): Promise<ReadSet> {
  const store = new MemoryObjectStore();
  const { train } = await shard(wish, { store });
  const parts = await loadAll(store, train);
  const values = train.manifest.fields.map((_, index) =>
    parts.flatMap(({ fields }) => [...(fields[index]?.tensor.data ?? [])]),
  );
  return { fields: train.manifest.fields, values };
}

/** Reads a CSV file of this text. */
export async function readCsv(text: string | Uint8Array, spec: object = {}): Promise<ReadSet> {
  const baseFolder = await folderWith({ "data.csv": text });
  return read({ dataset: { format: "csv", file: "data.csv", ...spec }, baseFolder });
}

/** The rows of a field as tuples. */
export function rowsOf({ fields, values }: ReadSet, index: number): readonly (readonly number[])[] {
  const width = sizeOf(fields[index]?.storedShape ?? []);
  const flat = values[index] ?? [];
  return Array.from({ length: flat.length / width }, (_, row) => flat.slice(row * width, (row + 1) * width));
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<StampedeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StampedeError);
  return error as StampedeError;
}

/** Code and message of the error; `path` of a temporary folder is cut out. */
export async function complaint(promise: Promise<unknown>): Promise<string> {
  const { code, message } = await errorOf(promise);
  return `${code}: ${message}`;
}

/** What is left in a folder. */
export async function leftIn(folder: string): Promise<readonly string[]> {
  return readdir(folder);
}

/** Rows 0 ... rows - 1, each holding its number. */
export function numbered(rows: number): ReturnType<typeof memorySource> {
  const numbers = Int32Array.from({ length: rows }, (_, row) => row);
  return memorySource({ x: tensorOf(numbers, [rows, 1]), y: tensorOf(numbers, [rows]) });
}
