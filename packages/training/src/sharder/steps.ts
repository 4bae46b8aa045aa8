import {
  shardStepName,
  type ShardingLayout,
  type ShardingPlan,
  type ShardingRequest,
  type ShardStep,
} from "@stampede/core";
import { countCuts, hashCuts, partGroups, runCount } from "@stampede/data";

/** What is known of a sharding. */
export interface ShardingFacts {
  readonly request: ShardingRequest;
  /** Undefined until that step is done. */
  readonly plan: ShardingPlan | undefined;
  readonly layout: ShardingLayout | undefined;
  /** Names of the steps that are done. */
  readonly done: ReadonlySet<string>;
}

/**
 * The steps that can be done now and are not: in the order in which they matter. None only where all is done.
 *
 *     plan -> hash, piece after piece of a file ------------------------------> parts -> commit
 *          -> CSV: count -> layout -> where text is numbered: texts -> merge -> rows -^
 *          -> other formats ------------------------------------------------> rows -^
 */
export function openSteps(facts: ShardingFacts): readonly ShardStep[] {
  const { request, plan } = facts;
  if (plan === undefined) return one("plan");
  const hashes = nextHashes(facts);
  const rows = stepsToRows(facts, plan);
  if (hashes.length > 0 || rows.length > 0 || facts.layout === undefined) return [...hashes, ...rows];
  const parts = undone(facts, "parts", partGroups(request, facts.layout).length);
  return parts.length > 0 ? parts : one("commit");
}

/** Of every file the first piece that is not hashed: the next one goes on from its state. */
function nextHashes({ request, done }: ShardingFacts): readonly ShardStep[] {
  const next = new Map<number, ShardStep>();
  for (const [index, { file }] of hashCuts(request).entries()) {
    const step = { kind: "hash", index } as const;
    if (!next.has(file) && !done.has(shardStepName(step))) next.set(file, step);
  }
  return [...next.values()];
}

function stepsToRows(facts: ShardingFacts, plan: ShardingPlan): readonly ShardStep[] {
  const { request, layout } = facts;
  if (layout === undefined) {
    const counts = undone(facts, "count", countCuts(request).length);
    return counts.length > 0 ? counts : one("layout");
  }
  const runs = runCount(layout);
  if (plan.texts) {
    const texts = undone(facts, "texts", runs);
    if (texts.length > 0) return texts;
    const merge = undone(facts, "merge", 1);
    if (merge.length > 0) return merge;
  }
  return undone(facts, "rows", runs);
}

function undone({ done }: ShardingFacts, kind: ShardStep["kind"], count: number): readonly ShardStep[] {
  const steps = Array.from({ length: count }, (_, index): ShardStep => ({ kind, index }));
  return steps.filter((step) => !done.has(shardStepName(step)));
}

function one(kind: ShardStep["kind"]): readonly ShardStep[] {
  return [{ kind, index: 0 }];
}
