import { createHash } from "node:crypto";
import {
  encodeRecord,
  keys,
  sha256Hex,
  DatasetManifest,
  type DatasetId,
  type Field,
  type ObjectStore,
  type Part,
  type StampedeError,
  type StoredObject,
} from "@stampede/core";
import { columnOf, type StoredField } from "../arrow/column-types.js";
import { layOutFile } from "../arrow/file-layout.js";
import { corrupt } from "../arrow/corrupt.js";
import { findManifest, loadManifest } from "../load.js";
import { stopIfAborted } from "../refusal.js";
import { Scratch } from "../scratch.js";
import { rowsOf } from "./deal.js";
import { columnBytes, type DealtRows } from "./spooled-set.js";

export interface PartsToStore {
  readonly id: DatasetId;
  readonly set: DealtRows;
  readonly fields: readonly StoredField[];
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface SetToStore {
  readonly id: DatasetId;
  readonly rows: number;
  readonly fields: readonly Field[];
  /** Of all partitions. */
  readonly parts: readonly Part[];
  /** Rows are numbered in the manifest. */
  readonly kept: boolean;
}

/** Used for one part after the other. */
interface PartMemory {
  readonly placeholder: Scratch;
  readonly chunk: Scratch;
}

/** Partition files that are written at the same time. */
const concurrentParts = 4;

/** Writes the partition files that are not there. */
export async function storeParts(store: ObjectStore, wanted: PartsToStore, signal?: AbortSignal): Promise<Part[]> {
  const { id, from, to } = wanted;
  const promised = (await findManifest(store, id))?.parts;
  const parts: Part[] = [];
  let next = from;
  const placeholder = new Scratch();
  const work = async (): Promise<void> => {
    const memory: PartMemory = { placeholder, chunk: new Scratch() };
    while (next < to) {
      const partition = next++;
      stopIfAborted(signal);
      parts[partition - from] = await storePart(store, { wanted, partition, promised: promised?.[partition] }, memory);
    }
  };
  await allSettled(Array.from({ length: Math.min(concurrentParts, to - from) }, work));
  return parts;
}

/** Writes the manifest, which makes the data set exist. */
export async function commitSet(store: ObjectStore, wanted: SetToStore): Promise<DatasetManifest> {
  const { id, rows, fields, parts, kept } = wanted;
  const manifest: DatasetManifest = {
    version: 1,
    dataset: id,
    rows,
    fields: [...fields],
    parts: kept ? numbered(parts) : [...parts],
  };
  const outcome = await store.create(keys.manifest(id), encodeRecord(DatasetManifest, manifest));
  return outcome === "conflict" ? loadManifest(store, id) : manifest;
}

/** Waits for all, so that nothing goes on behind the caller's back, then fails with the first failure. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function numbered(parts: readonly Part[]): Part[] {
  let firstRow = 0;
  return parts.map((part) => {
    const start = firstRow;
    firstRow += part.rows;
    return { ...part, firstRow: start };
  });
}

interface PartToStore {
  readonly wanted: PartsToStore;
  readonly partition: number;
  /** What the manifest says of it, where the data set was whole once. */
  readonly promised: Part | undefined;
}

/** Writes one partition file, or finds that an interrupted run has written the very same one. */
async function storePart(store: ObjectStore, part: PartToStore, memory: PartMemory): Promise<Part> {
  const { wanted, partition, promised } = part;
  const rows = rowsOf(wanted.set.deal, partition);
  const key = keys.part(wanted.id, partition);
  const bytes = (): AsyncIterable<Uint8Array> => partBytes(wanted, partition, rows, memory);
  const written = digesting(bytes());
  if ((await store.create(key, written.chunks)) !== "conflict") return { rows, ...written.digest() };
  const expected = digesting(bytes());
  for await (const _ of expected.chunks) stopIfAborted(undefined);
  const digest = expected.digest();
  const found = await store.get(key);
  if (found !== undefined && isObject(found, digest)) return { rows, ...digest };
  if (promised?.sha256 !== digest.sha256) throw otherBytes(key, digest);
  await mendPart(store, key, { found, bytes, digest });
  return { rows, ...digest };
}

/**
 * Puts the right bytes in the place of a part that was cut short or damaged. Nobody loses by it: the manifest, which came after the
 * part, says that its bytes are these, and readers refuse any others. It is a replacement of exactly the object that was read, not a
 * removal and a new one: another pass that mends the part at the same time is then never undone, and no reader finds nothing. For it the
 * part is in memory, as it is wherever it is used.
 */
async function mendPart(
  store: ObjectStore,
  key: string,
  part: {
    readonly found: StoredObject | undefined;
    readonly bytes: () => AsyncIterable<Uint8Array>;
    readonly digest: Digest;
  },
): Promise<void> {
  const body = new Uint8Array(part.digest.bytes);
  let at = 0;
  for await (const chunk of part.bytes()) {
    body.set(chunk, at);
    at += chunk.length;
  }
  const { found } = part;
  const outcome = found === undefined ? await store.create(key, body) : await store.replace(key, body, found.etag);
  if (outcome !== "conflict") return;
  const others = await store.get(key);
  if (others === undefined || !isObject(others, part.digest)) throw otherBytes(key, part.digest);
}

function isObject({ body }: StoredObject, { bytes, sha256 }: Digest): boolean {
  return body.length === bytes && sha256Hex(body) === sha256;
}

function otherBytes(key: string, { sha256 }: Digest): StampedeError {
  return corrupt(key, `the partition file with SHA-256 ${sha256}`, "other bytes");
}

async function* partBytes(
  { set, fields }: PartsToStore,
  partition: number,
  rows: number,
  { placeholder, chunk }: PartMemory,
): AsyncGenerator<Uint8Array> {
  for (const piece of layOutFile(fields.map(columnOf), rows, { scratch: placeholder })) {
    const field = piece.kind === "values" ? fields[piece.column] : undefined;
    if (piece.kind === "bytes") yield piece.bytes;
    else if (field !== undefined) yield* columnBytes(set, partition, { index: piece.column, field, ...piece }, chunk);
  }
}

type Digest = Pick<Part, "bytes" | "sha256">;

/** Passes chunks on and hashes them. */
function digesting(chunks: AsyncIterable<Uint8Array>): {
  readonly chunks: AsyncIterable<Uint8Array>;
  digest(): Digest;
} {
  const hash = createHash("sha256");
  let bytes = 0;
  async function* pass(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  return { chunks: pass(), digest: () => ({ bytes, sha256: hash.digest("hex") }) };
}
