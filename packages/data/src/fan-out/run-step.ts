import {
  CountFact,
  encodeRecord,
  HashFact,
  keys,
  MergedTexts,
  PartsFact,
  RowsFact,
  ShardingLayout,
  ShardingOutcome,
  ShardingPlan,
  TextsFact,
  type ShardStep,
} from "@stampede/core";
import { refusal } from "../refusal.js";
import { countStretch } from "./csv-index.js";
import { countCuts, stretchesOf } from "./cuts.js";
import { commitSets, writeParts } from "./finish-steps.js";
import { hashPiece } from "./hash-step.js";
import { layOutCounted, planSteps } from "./plan-step.js";
import { mergeTexts, readTexts, storeRun, type LaidOut } from "./rows-step.js";
import { openSharding, readFact, type Sharding, type ShardStepDeps } from "./sharding.js";

/** What a step came to, to be committed: another attempt comes to the very same. */
export interface ShardFact {
  readonly key: string;
  readonly body: Uint8Array;
}

/**
 * Does one step. Everything it reads was committed by steps before, or is a file as it was when the data set was asked for.
 *
 * @throws StampedeError `data.*` for bad data, `job-file.invalid`, `model.data-mismatch`, `store.*`, `job.interrupted`
 */
export async function runShardStep(sharding: Sharding, step: ShardStep, deps: ShardStepDeps): Promise<ShardFact> {
  const key = keys.shardFact(sharding.id, step);
  const { kind, index } = step;
  switch (kind) {
    case "plan": {
      const planned = await planSteps(sharding, deps);
      return "train" in planned ? outcome(sharding, planned) : { key, body: encodeRecord(ShardingPlan, planned) };
    }
    case "hash":
      return { key, body: encodeRecord(HashFact, await hashPiece(sharding, index, deps)) };
    case "count":
      return { key, body: encodeRecord(CountFact, await countRows(sharding, index, deps)) };
    case "layout": {
      const plan = await readPlan(sharding, deps);
      return { key, body: encodeRecord(ShardingLayout, await layOutCounted(sharding, plan, deps)) };
    }
    case "texts":
      return { key, body: encodeRecord(TextsFact, await readTexts(await laidOut(sharding, deps), index, deps)) };
    case "merge":
      return { key, body: encodeRecord(MergedTexts, await mergeTexts(await laidOut(sharding, deps), deps)) };
    case "rows":
      return { key, body: encodeRecord(RowsFact, await storeRun(await laidOut(sharding, deps), index, deps)) };
    case "parts":
      return { key, body: encodeRecord(PartsFact, await writeParts(await laidOut(sharding, deps), index, deps)) };
    case "commit":
      return outcome(sharding, await commitSets(await laidOut(sharding, deps), deps));
  }
}

function outcome({ id }: Sharding, record: ShardingOutcome): ShardFact {
  return { key: keys.shardOutcome(id), body: encodeRecord(ShardingOutcome, record) };
}

async function countRows(sharding: Sharding, index: number, deps: ShardStepDeps): Promise<CountFact> {
  const { request } = sharding;
  const cut = countCuts(request)[index];
  const file = cut && openSharding(sharding, deps).files[cut.file];
  if (cut === undefined || file === undefined) throw refusal("internal.unexpected", `There is no cut ${index}.`);
  const stretches = stretchesOf(cut, request);
  const counts: CountFact["stretches"] = [];
  for (const { start, end } of stretches) {
    counts.push(await countStretch(file, { start, end, last: cut.last && end === cut.end }));
  }
  return { version: 1, stretches: counts };
}

async function readPlan(sharding: Sharding, { store }: ShardStepDeps): Promise<ShardingPlan> {
  return readFact(store, sharding, ShardingPlan, { kind: "plan", index: 0 });
}

async function laidOut(sharding: Sharding, deps: ShardStepDeps): Promise<LaidOut> {
  const plan = await readPlan(sharding, deps);
  const layout = plan.layout ?? (await readFact(deps.store, sharding, ShardingLayout, { kind: "layout", index: 0 }));
  return { sharding, plan, layout };
}
