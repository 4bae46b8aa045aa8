import { keys, MergedTexts, TextsFact, type RowsFact, type ShardingLayout, type ShardingPlan } from "@stampede/core";
import { corrupt } from "../arrow/corrupt.js";
import type { FieldEncoder } from "../fields/encoder.js";
import { makeEncoders } from "../fields/make-encoder.js";
import { stopIfAborted } from "../refusal.js";
import { Scratch } from "../scratch.js";
import { ContiguousDeal, RoundRobinDeal } from "../sharding/deal.js";
import { dealOut } from "../sharding/deal-out.js";
import { openSpool } from "../sharding/spool.js";
import type { SpooledSet } from "../sharding/spooled-set.js";
import type { OpenSource, RowRun } from "../sources/source.js";
import { stretchesOfRun } from "./csv-index.js";
import { runAt, runCount, setsOf, shareOfRun, type SetName } from "./layout.js";
import { encodeMoments } from "./moments-bytes.js";
import { openTables } from "./plan-step.js";
import { runBytes, runRowBytes } from "./run-spool.js";
import { openSharding, readFact, readFacts, type Sharding, type ShardStepDeps } from "./sharding.js";

/** A sharding whose rows are cut into runs. */
export interface LaidOut {
  readonly sharding: Sharding;
  readonly plan: ShardingPlan;
  readonly layout: ShardingLayout;
}

/** The texts of a run, in the order in which they come. */
export async function readTexts(wanted: LaidOut, run: number, deps: ShardStepDeps): Promise<TextsFact> {
  const source = await openSharding(wanted.sharding, deps).open();
  const rows = await runOf(wanted, run, deps);
  for await (const _ of source.blocks(wanted.plan.blockRows, rows)) stopIfAborted(deps.signal);
  return { version: 1, columns: openTables(source.fields).map(({ texts }) => [...texts]) };
}

/** Numbers all texts as a pass over all rows would. */
export async function mergeTexts({ sharding, layout }: LaidOut, { store }: ShardStepDeps): Promise<MergedTexts> {
  const runs = await readFacts(store, sharding, TextsFact, "texts", runCount(layout));
  const known = runs[0]?.columns.map(() => new Set<string>()) ?? [];
  const before = runs.map(({ columns }) =>
    known.map((texts, column) => {
      const { size } = texts;
      for (const text of columns[column] ?? []) texts.add(text);
      return size;
    }),
  );
  return { version: 1, columns: known.map((texts) => [...texts]), before };
}

/** Reads the rows of a run, deals them out, and stores them in the order of partitions for others to fetch. */
export async function storeRun(wanted: LaidOut, run: number, deps: ShardStepDeps): Promise<RowsFact> {
  const { sharding, plan } = wanted;
  const { request } = sharding;
  const source = await openSharding(sharding, deps).open();
  await seedTexts(source, wanted, deps, (texts) => texts.before[run] ?? []);
  const encoders = makeEncoders(source.fields, request.preprocessing);
  const rows = await runOf(wanted, run, deps);
  const sets: SpooledSet[] = [];
  const moments: Uint8Array[] = [];
  try {
    for (const set of setsOf(request)) sets.push(openSet(set, rows, encoders, wanted, deps));
    const [train, validation] = sets;
    if (train === undefined) throw new RangeError("A sharding has a train set.");
    const afterBlock = (): void => {
      const block = encodeMoments(encoders);
      if (block !== undefined) moments.push(block);
    };
    const pass = { request, blockRows: plan.blockRows, run: rows, signal: deps.signal, afterBlock };
    await dealOut(source, encoders, { train, validation }, pass);
    const partitions = request.order === "kept" ? 1 : request.partitions;
    await storeSpool(run, wanted, deps, [sets, partitions, moments]);
    const spoolBytes = runRowBytes(plan, request, rows);
    return { version: 1, spoolBytes, largest: encoders.map(({ largest }) => largest), momentBlocks: moments.length };
  } finally {
    for (const { spool } of sets) await spool.close();
  }
}

async function storeSpool(
  run: number,
  { sharding, plan }: LaidOut,
  { store, signal }: ShardStepDeps,
  [sets, partitions, moments]: readonly [readonly SpooledSet[], number, readonly Uint8Array[]],
): Promise<void> {
  let bytes = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of runBytes(sets, plan.columns, partitions)) {
      stopIfAborted(signal);
      yield chunk;
    }
    yield* moments;
  }
  const key = keys.shardSpool(sharding.id, run);
  if ((await store.create(key, body())) !== "conflict") return;
  // Another attempt was first: it has read the same files, and can only have written the same bytes.
  for await (const chunk of body()) bytes += chunk.length;
  const found = await store.head(key);
  if (found?.bytes !== bytes) throw corrupt(key, `${bytes} bytes`, String(found?.bytes ?? "none"));
}

/** Lets the tables know the texts of the rows before. */
export async function seedTexts(
  { fields }: OpenSource,
  { sharding, plan }: Pick<LaidOut, "sharding" | "plan">,
  { store }: ShardStepDeps,
  counts: (texts: MergedTexts) => readonly number[],
): Promise<void> {
  if (!plan.texts) return;
  const merged = await readFact(store, sharding, MergedTexts, { kind: "merge", index: 0 });
  const known = counts(merged);
  for (const [column, table] of openTables(fields).entries()) {
    for (const text of merged.columns[column]?.slice(0, known[column]) ?? []) table.numberOf(text);
  }
}

async function runOf({ sharding, layout }: LaidOut, run: number, deps: ShardStepDeps): Promise<RowRun> {
  const range = runAt(layout, run);
  const { dataset, files } = sharding.request;
  if (dataset.format !== "csv" || layout.index === undefined) return { ...range, stretches: [] };
  const sized = openSharding(sharding, deps).files.map((file, at) => ({ ...file, bytes: files[at]?.bytes ?? 0 }));
  return { ...range, stretches: await stretchesOfRun(sized, layout.index, dataset.header, range) };
}

function openSet(
  set: SetName,
  run: RowRun,
  encoders: readonly FieldEncoder[],
  { sharding: { request } }: LaidOut,
  { temporaryFolder }: ShardStepDeps,
): SpooledSet {
  const { start } = shareOfRun(set, run, request);
  return {
    deal: request.order === "kept" ? new ContiguousDeal(1) : new RoundRobinDeal(request.partitions, start),
    spool: openSpool(encoders.length, temporaryFolder),
    observed: set === "train" && request.preprocessing === undefined,
    scratches: encoders.map(() => new Scratch()),
  };
}
