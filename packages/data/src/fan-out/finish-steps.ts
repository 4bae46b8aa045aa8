import {
  DatasetId,
  HashFact,
  keys,
  PartsFact,
  RowsFact,
  type Field,
  type ObjectStore,
  type ShardingOutcome,
} from "@stampede/core";
import { makeEncoders } from "../fields/make-encoder.js";
import { idsOf } from "../sharding/shard-dataset.js";
import { commitSet, storeParts } from "../sharding/store-set.js";
import { markUse, type Ids } from "../sharding/stored-sets.js";
import { hashCuts } from "./cuts.js";
import { partGroups, runCount, setsOf, shareOf, type SetName } from "./layout.js";
import { learnMoments, momentBytes } from "./moments-bytes.js";
import { seedTexts, type LaidOut } from "./rows-step.js";
import { shortSpool, StoredRuns } from "./run-spool.js";
import { openSharding, readFacts, type Sharding, type ShardStepDeps } from "./sharding.js";

/** Writes a group of partition files from what the runs have left. */
export async function writeParts(
  { sharding, plan, layout }: LaidOut,
  index: number,
  deps: ShardStepDeps,
): Promise<PartsFact> {
  const group = partGroups(sharding.request, layout)[index];
  if (group === undefined) throw new RangeError(`Expected one of the groups of partitions, found ${index}.`);
  const ids = await idsOfSharding(sharding, deps);
  await markUse(ids, deps);
  const { set, from, to } = group;
  const rows = new StoredRuns(deps.store, sharding, plan, layout, set);
  const wanted = { id: idOf(ids, set), set: rows, fields: plan.columns, from, to };
  return { version: 1, parts: await storeParts(deps.store, wanted, deps.signal) };
}

/** Puts together what all runs have learned, in their order, and commits the manifests. */
export async function commitSets(wanted: LaidOut, deps: ShardStepDeps): Promise<ShardingOutcome> {
  const { sharding, layout } = wanted;
  const { request } = sharding;
  const groups = partGroups(request, layout);
  const facts = await readFacts(deps.store, sharding, PartsFact, "parts", groups.length);
  const ids = await idsOfSharding(sharding, deps);
  await markUse(ids, deps);
  const fields = await fieldsOf(wanted, deps);
  for (const set of setsOf(request)) {
    const parts = facts.flatMap((fact, index) => (groups[index]?.set === set ? fact.parts : []));
    const rows = shareOf(set, layout.rows, request);
    await commitSet(deps.store, { id: idOf(ids, set), rows, fields, parts, kept: request.order === "kept" });
  }
  return { version: 1, train: ids.train, ...(ids.validation && { validation: ids.validation }) };
}

async function fieldsOf(wanted: LaidOut, deps: ShardStepDeps): Promise<readonly Field[]> {
  const { sharding, layout } = wanted;
  const source = await openSharding(sharding, deps).open();
  await seedTexts(source, wanted, deps, ({ columns }) => columns.map((texts) => texts.length));
  const encoders = makeEncoders(source.fields, sharding.request.preprocessing);
  const blockBytes = momentBytes(encoders);
  const runs = await readFacts(deps.store, sharding, RowsFact, "rows", runCount(layout));
  for (const [run, { spoolBytes, largest, momentBlocks }] of runs.entries()) {
    for (const [index, encoder] of encoders.entries()) encoder.largest = Math.max(encoder.largest, largest[index] ?? 0);
    const range = { start: spoolBytes, end: spoolBytes + momentBlocks * blockBytes };
    if (momentBlocks > 0) learnMoments(encoders, await readSpool(deps.store, keys.shardSpool(sharding.id, run), range));
  }
  return encoders.map((encoder) => encoder.finish());
}

async function readSpool(
  store: ObjectStore,
  key: string,
  range: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  const found = await store.get(key, range);
  if (found?.body.length !== range.end - range.start) throw shortSpool(key);
  return found.body;
}

async function idsOfSharding(sharding: Sharding, deps: ShardStepDeps): Promise<Ids> {
  const cuts = hashCuts(sharding.request);
  const facts = await readFacts(deps.store, sharding, HashFact, "hash", cuts.length);
  const hashes = facts.flatMap(({ state, complete }) => (complete ? [state] : []));
  return idsOf(openSharding(sharding, deps).identityOf(hashes), sharding.request);
}

function idOf({ train, validation }: Ids, set: SetName): DatasetId {
  return set === "train" ? train : DatasetId.parse(validation);
}
