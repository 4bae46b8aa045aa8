import { CountFact, type RowIndex, type ShardingLayout, type ShardingOutcome, type ShardingPlan } from "@stampede/core";
import type { CategoryTable } from "../fields/category-table.js";
import { makeEncoders } from "../fields/make-encoder.js";
import { isCompressed } from "../files/byte-reader.js";
import { blockRowsOf } from "../sharding/deal-out.js";
import { checkRows, shardDataset } from "../sharding/shard-dataset.js";
import type { Source, SourceField } from "../sources/source.js";
import { indexOf, rowsOfFile } from "./csv-index.js";
import { countCuts, stretchesOf } from "./cuts.js";
import { layOut, shareOf } from "./layout.js";
import { openSharding, readFacts, versionMap, type Sharding, type ShardStepDeps } from "./sharding.js";

/** Moments of one block for another are held in memory; rows so wide that there are more are left to a single pass. */
const maxMomentBytes = 64 * 1024 * 1024;

/**
 * Reads the headers and plans the steps. A data set that is small, or that can only be read from its beginning on (compressed files,
 * archives), is made here and now instead.
 */
export async function planSteps(sharding: Sharding, deps: ShardStepDeps): Promise<ShardingPlan | ShardingOutcome> {
  const source = openSharding(sharding, deps);
  if (isWhole(sharding, source)) return shardAtOnce(sharding, deps);
  const { request } = sharding;
  const opened = await source.open();
  const encoders = makeEncoders(opened.fields, request.preprocessing);
  const blockRows = blockRowsOf(opened, encoders);
  const columns = encoders.map(({ stored: { name, storage, storedShape } }) => ({
    name,
    storage,
    storedShape: [...storedShape],
  }));
  const plan = { version: 1 as const, blockRows, columns, texts: openTables(opened.fields).length > 0 };
  if (opened.rows === undefined) return plan;
  checkCounted(sharding, source, opened.rows);
  const layout = layOut(request, plan, opened.rows);
  const moments = encoders.reduce((sum, encoder) => sum + (encoder.moments === undefined ? 0 : 16 * encoder.width), 0);
  if ((moments * layout.runRows) / blockRows > maxMomentBytes) return shardAtOnce(sharding, deps);
  return { ...plan, layout };
}

function isWhole({ request: { files, dataset, limits } }: Sharding, source: Source): boolean {
  if (dataset.format === "npz" || dataset.format === "builtin" || source.files.some(isCompressed)) return true;
  return files.reduce((sum, { bytes }) => sum + bytes, 0) <= limits.singleBytes;
}

async function shardAtOnce({ request }: Sharding, deps: ShardStepDeps): Promise<ShardingOutcome> {
  const { train, validation } = await shardDataset(request, { ...deps, versions: versionMap(request) });
  return { version: 1, train: train.id, ...(validation && { validation: validation.id }) };
}

/** Puts the counts of all files together, and cuts the rows into runs. */
export async function layOutCounted(
  sharding: Sharding,
  plan: ShardingPlan,
  deps: ShardStepDeps,
): Promise<ShardingLayout> {
  const { request } = sharding;
  const cuts = countCuts(request);
  const facts = await readFacts(deps.store, sharding, CountFact, "count", cuts.length);
  const index: RowIndex[] = request.files.map((_, file) =>
    indexOf(
      cuts.flatMap((cut, at) =>
        cut.file === file
          ? stretchesOf(cut, request).flatMap(({ start }, stretch) => {
              const count = facts[at]?.stretches[stretch];
              return count === undefined ? [] : [{ start, count }];
            })
          : [],
      ),
    ),
  );
  const header = request.dataset.format === "csv" && request.dataset.header;
  const rows = index.reduce((sum, file) => sum + rowsOfFile(file, header), 0);
  checkCounted(sharding, openSharding(sharding, deps), rows);
  return layOut(request, plan, rows, index);
}

function checkCounted({ request }: Sharding, { name }: Source, rows: number): void {
  const heldOut = request.validationSplit === undefined ? undefined : shareOf("validation", rows, request);
  checkRows(request, name, shareOf("train", rows, request), heldOut);
}

/** The tables that take in new texts, in the order of the columns, each once. */
export function openTables(fields: readonly SourceField[]): readonly CategoryTable[] {
  const tables = fields.flatMap(({ columns = [] }) => columns.flatMap(({ categories }) => categories ?? []));
  return [...new Set(tables)].filter(({ isOpen }) => isOpen);
}
