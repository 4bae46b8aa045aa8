import type { DatasetId, DatasetManifest } from "@stampede/core";
import type { FieldEncoder } from "../fields/encoder.js";
import { makeEncoders } from "../fields/make-encoder.js";
import { refusal } from "../refusal.js";
import { Scratch } from "../scratch.js";
import { sourceOf } from "../sources/open-source.js";
import { datasetIdOf } from "./dataset-id.js";
import { ContiguousDeal, RoundRobinDeal } from "./deal.js";
import { blockRowsOf, dealOut } from "./deal-out.js";
import type { ShardDeps, ShardOutcome, ShardRequest, ShardSettings } from "./request.js";
import { openSpool } from "./spool.js";
import type { SpooledSet } from "./spooled-set.js";
import { commitSet, storeParts } from "./store-set.js";
import { findStored, markUse, outcomeOf, type Ids, type Manifests } from "./stored-sets.js";

/**
 * Brings a data set into the store: reads it once, shuffles and deals its rows to partition files (or cuts it into runs of rows),
 * learns statistics and categories on the way, and commits everything with the manifest. The same input and request give the
 * same bytes and the same id; a data set that is already in the store is only hashed, and what is missing of it is written anew. A
 * pass that fails leaves no data set and no temporary file behind.
 *
 * @throws StampedeError `data.*` for bad data, naming file, line and column; `job-file.invalid` and `option.invalid` for a request
 *   that makes no sense; `model.data-mismatch` for rows unlike those of `preprocessing`; `store.*`; `job.interrupted`
 */
export async function shardDataset(request: ShardRequest, deps: ShardDeps): Promise<ShardOutcome> {
  const began = performance.now();
  checkRequest(request);
  const { dataset, baseFolder, preprocessing, partitions } = request;
  const source = sourceOf(dataset, {
    baseFolder,
    access: deps.files ?? {},
    versions: deps.versions,
    known: preprocessing,
    ignoreLabels: request.labels === "ignore",
  });
  const identity = await source.identify(deps.signal);
  const ids = idsOf(identity, request);
  await markUse(ids, deps);
  const stored = await findStored(ids, deps);
  if (stored !== undefined) {
    checkRows(request, source.name, stored.train.rows, stored.validation?.rows);
    return outcomeOf(stored, true, performance.now() - began);
  }

  const rows = await source.open();
  const encoders = makeEncoders(rows.fields, preprocessing);
  const sets: SpooledSet[] = [];
  try {
    const train = openSet(sets, request, encoders, preprocessing === undefined, deps);
    const validation = ids.validation === undefined ? undefined : openSet(sets, request, encoders, false, deps);
    const blockRows = blockRowsOf(rows, encoders);
    await dealOut(rows, encoders, { train, validation }, { request, blockRows, signal: deps.signal });
    await source.assertUnchanged();
    checkRows(request, source.name, train.deal.rows, validation?.deal.rows);
    const fields = encoders.map((encoder) => encoder.finish());
    const kept = request.order === "kept";
    const store = async (id: DatasetId, set: SpooledSet): Promise<DatasetManifest> => {
      const parts = await storeParts(deps.store, { id, set, fields, from: 0, to: partitions }, deps.signal);
      return commitSet(deps.store, { id, rows: set.deal.rows, fields, parts, kept });
    };
    const manifests: Manifests = {
      train: await store(ids.train, train),
      validation:
        ids.validation === undefined || validation === undefined ? undefined : await store(ids.validation, validation),
    };
    return outcomeOf(manifests, false, performance.now() - began);
  } finally {
    for (const { spool } of sets) await spool.close();
  }
}

export function idsOf(identity: unknown, request: ShardSettings): Ids {
  return {
    train: datasetIdOf(identity, request, "train"),
    validation: request.validationSplit === undefined ? undefined : datasetIdOf(identity, request, "validation"),
  };
}

function openSet(
  opened: SpooledSet[],
  { order, partitions }: ShardRequest,
  encoders: readonly FieldEncoder[],
  observed: boolean,
  { temporaryFolder }: ShardDeps,
): SpooledSet {
  const deal = order === "kept" ? new ContiguousDeal(partitions) : new RoundRobinDeal(partitions);
  const scratches = encoders.map(() => new Scratch());
  const set = { deal, spool: openSpool(encoders.length, temporaryFolder), observed, scratches };
  opened.push(set);
  return set;
}

/** The most partitions a job may have, as in the schema of its spec. */
const maxPartitions = 10_000;

export function checkRequest({ partitions, order, validationSplit }: ShardSettings): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions) {
    throw refusal("option.invalid", `Expected 1 ... ${maxPartitions} partitions, found ${partitions}.`);
  }
  if (validationSplit === undefined) return;
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw refusal("option.invalid", `Expected a validationSplit between 0 and 1, found ${validationSplit}.`);
  }
  if (order === "kept") {
    throw refusal("option.invalid", "Expected no validationSplit where the order of rows is kept, found one.");
  }
}

export function checkRows(request: ShardSettings, name: string, rows: number, heldOut: number | undefined): void {
  const { partitions, validationSplit, emptyPartitions = "refuse" } = request;
  if (rows === 0 || heldOut === 0) {
    const split =
      validationSplit === undefined
        ? ""
        : ` The fraction ${validationSplit} is held out of ${rows + (heldOut ?? 0)} rows.`;
    const what = heldOut === 0 && rows > 0 ? "row of validation data" : "row";
    throw refusal("data.empty", `${name}: expected at least one ${what}, found none.${split}`);
  }
  if (rows >= partitions || emptyPartitions === "allow") return;
  const text = `${name}: expected at least ${partitions} rows, one for each executor, found ${rows}.`;
  throw refusal("data.too-few-rows", text, { details: { rows, partitions } });
}
