import {
  DatasetSpec,
  decodeRecord,
  keys,
  parseInput,
  readObject,
  sha256Hex,
  ShardingId,
  StampedeError,
  type DatasetSpecInput,
  type ObjectStore,
  type ShardLimits,
  type ShardingRequest,
  type ShardStep,
} from "@stampede/core";
import type * as z from "zod";
import type { FileAccess } from "../files/data-file.js";
import { canonicalJson } from "../sharding/dataset-id.js";
import type { ShardDeps, ShardSettings } from "../sharding/request.js";
import { checkRequest } from "../sharding/shard-dataset.js";
import { sourceOf } from "../sources/open-source.js";
import type { Source } from "../sources/source.js";

/** A data set to be made of files by functions: what is wanted, and the name under which the work on it goes. */
export interface Sharding {
  readonly id: ShardingId;
  readonly request: ShardingRequest;
}

/** What a step needs. */
export type ShardStepDeps = Pick<ShardDeps, "store" | "job" | "files" | "temporaryFolder" | "signal">;

/** Measured: a function reads and encodes some 50 MB/s, so that a step takes seconds and its loss costs no more. */
const defaultLimits: ShardLimits = {
  singleBytes: 256 * 1024 * 1024,
  taskBytes: 256 * 1024 * 1024,
  indexBytes: 4 * 1024 * 1024,
};

/** Files that a data set may be asked for with, so that to ask stays a matter of moments. */
const asksAtOnce = 16;

export interface ShardingWish extends ShardSettings {
  readonly dataset: DatasetSpecInput;
  /** Where relative paths start. */
  readonly baseFolder: string;
  /** Default: 256 MiB for one step, and as the size from which on several work at once. */
  readonly limits?: Partial<ShardLimits>;
}

/**
 * Writes down what is wanted, and what its files are now (one request each; nothing is read of them). The id stands for both: files
 * that change make another sharding.
 *
 * @throws StampedeError `data.not-readable`, `job-file.invalid`, `option.invalid`, `store.unavailable`
 */
export async function describeSharding(wish: ShardingWish, access: FileAccess): Promise<Sharding> {
  checkRequest(wish);
  const { baseFolder, preprocessing, partitions, order, seed, validationSplit, labels, emptyPartitions } = wish;
  const dataset = parseInput(DatasetSpec, wish.dataset, { code: "job-file.invalid", what: "The data set" });
  const request: ShardingRequest = {
    version: 1,
    dataset,
    baseFolder,
    // Those that come with Stampede are the same wherever it runs.
    files:
      dataset.format === "builtin"
        ? []
        : await versionsOf(openRequest({ dataset, baseFolder, preprocessing, labels }, access)),
    partitions,
    order,
    ...(seed !== undefined && { seed }),
    ...(validationSplit !== undefined && { validationSplit }),
    ...(preprocessing && { preprocessing: [...preprocessing] }),
    ...(labels && { labels }),
    ...(emptyPartitions && { emptyPartitions }),
    limits: { ...defaultLimits, ...wish.limits },
  };
  return { id: ShardingId.parse(sha256Hex(canonicalJson(request))), request };
}

async function versionsOf({ files }: Source): Promise<ShardingRequest["files"]> {
  const versions: ShardingRequest["files"] = [];
  for (let from = 0; from < files.length; from += asksAtOnce) {
    const asked = files.slice(from, from + asksAtOnce).map(async ({ path, files: place }) => {
      const opened = await place.open(path);
      await opened.close();
      return { path, version: opened.version, bytes: opened.bytes };
    });
    versions.push(...(await Promise.all(asked)));
  }
  return versions;
}

type ToOpen = Pick<ShardSettings, "preprocessing" | "labels"> & Pick<ShardingRequest, "dataset" | "baseFolder">;

function openRequest(
  { dataset, baseFolder, preprocessing, labels }: ToOpen,
  access: FileAccess,
  versions?: ReadonlyMap<string, string>,
): Source {
  const ignoreLabels = labels === "ignore";
  return sourceOf(dataset, { baseFolder, access, versions, known: preprocessing, ignoreLabels });
}

export function versionMap({ files }: ShardingRequest): ReadonlyMap<string, string> {
  return new Map(files.map(({ path, version }) => [path, version]));
}

/** The source of a sharding: its files as they were when it was asked for. */
export function openSharding({ request }: Sharding, { files = {} }: Pick<ShardStepDeps, "files">): Source {
  return openRequest(request, files, versionMap(request));
}

/** The record of a step that is done. @throws StampedeError `store.missing` */
export async function readFact<S extends z.ZodType>(
  store: ObjectStore,
  { id }: Pick<Sharding, "id">,
  schema: S,
  step: ShardStep,
): Promise<z.output<S>> {
  const key = keys.shardFact(id, step);
  const found = await readObject(store, key, (body) => decodeRecord(schema, body, key));
  if (found !== undefined) return found.value;
  const text = `Expected ${key} in the store, of a step that was done, found none. The step is done again.`;
  throw new StampedeError("store.missing", text, { details: { key } });
}

/** Facts of many steps, in order. */
export async function readFacts<S extends z.ZodType>(
  store: ObjectStore,
  sharding: Pick<Sharding, "id">,
  schema: S,
  kind: ShardStep["kind"],
  count: number,
): Promise<readonly z.output<S>[]> {
  const facts: z.output<S>[] = [];
  for (let from = 0; from < count; from += asksAtOnce) {
    const length = Math.min(asksAtOnce, count - from);
    const asked = Array.from({ length }, (_, index) =>
      readFact(store, sharding, schema, { kind, index: from + index }),
    );
    facts.push(...(await Promise.all(asked)));
  }
  return facts;
}
