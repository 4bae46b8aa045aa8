import {
  encodeTensorRecord,
  groupOf,
  groupsIn,
  GroupPlan,
  keys,
  partitionOfOutput,
  type DeltaMessage,
  type JobSpec,
} from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { createOnce } from "../../store/commit.js";
import { exists } from "../../store/records.js";
import { allThere } from "../all-there.js";
import { planOf } from "../round-plan.js";
import type { RoundSight } from "../sight.js";
import { commitReduction } from "./commit-reduction.js";
import { readGroupPlan } from "./group-plan.js";
import { handOut, missingLeavesOf } from "./hand-out.js";
import { makeGroupPlans, type MadePlan } from "./make-group-plan.js";
import { readReduction } from "./seen.js";
import { leavesOf, missingOf } from "./tree.js";

/** When nothing was committed for so long, whoever worked at it is taken to be gone: a part takes some seconds. */
const stalledMs = 15_000;

/** A round that several functions average, and what a parameter server was told of it. */
export interface Reduction {
  readonly spec: JobSpec;
  readonly round: number;
  readonly hints: readonly DeltaMessage[];
  readonly sight: RoundSight;
  readonly deps: ParameterServerDeps;
}

/**
 * Goes on with a round as far as it can: of each group whose deltas are all there it commits what its sums are made of, and hands them out.
 * Whoever makes the last of them makes the rest (`climb`). Where a message claims nothing it looks at all there is, and where the driver
 * asks it hands out anew what nobody works at any more.
 * @returns whether the weights are committed
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function advanceReduction(reduction: Reduction): Promise<boolean> {
  const { hints, spec, round, deps } = reduction;
  const isToLook = hints.some(({ claim }) => claim === undefined);
  if (isToLook) {
    if (await exists(deps.store, keys.weights(spec.job, round))) return true;
    await reduction.sight.look(deps.store);
  }
  await beginGroups(reduction, isToLook ? undefined : claimedGroups(reduction));
  return isToLook ? goOn(reduction) : false;
}

interface Claim {
  readonly partition: number;
  readonly etag: string;
}

function claimsOf({ spec, round, hints }: Reduction): readonly Claim[] {
  return hints.flatMap(({ claim }) => {
    const partition = claim && partitionOfOutput(claim.key, spec.job, { kind: "train", round });
    return partition === undefined || claim === undefined ? [] : [{ partition, etag: claim.etag }];
  });
}

function claimedGroups(reduction: Reduction): ReadonlySet<number> {
  return new Set(claimsOf(reduction).map(({ partition }) => groupOf(partition)));
}

/** @param groups those that may have become complete; undefined for any */
async function beginGroups(reduction: Reduction, groups: ReadonlySet<number> | undefined): Promise<void> {
  const { spec, round, sight, deps } = reduction;
  const complete = await completeGroups(reduction, groups);
  if ([...complete.keys()].every((group) => sight.plans.has(group))) return mend(reduction);
  // Most often nobody has planned them: reading what they are made of meanwhile saves the time of an answer.
  const [planned, plans] = await Promise.all([
    plannedGroups(reduction, complete.keys()),
    makeGroupPlans(spec, round, complete, deps),
  ]);
  await mend(reduction);
  for (const plan of plans) if (!planned.has(plan.record.group)) await begin(reduction, plan);
}

async function begin({ spec, round, sight, deps }: Reduction, { record, tensors }: MadePlan): Promise<void> {
  const { group } = record;
  const body = encodeTensorRecord(GroupPlan, record, tensors);
  const outcome = await createOnce(deps.store, keys.groupPlan(spec.job, round, group), body);
  // Another one was first, and hands its leaves out.
  if (outcome === "conflict") return;
  sight.plans.set(group, etagsOf(record));
  await handOut(spec, round, leavesOf(spec, group), deps);
}

/** Groups whose deltas that count are all there. */
async function completeGroups(
  { spec, round, sight, deps }: Reduction,
  wanted: ReadonlySet<number> | undefined,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const { members } = await planOf(spec, round, deps.store);
  const byGroup = new Map<number, number[]>();
  for (let group = 0; group < groupsIn(spec.partitions); group += 1) byGroup.set(group, []);
  for (const partition of members) byGroup.get(groupOf(partition))?.push(partition);
  const isThere = (partitions: readonly number[]): Promise<boolean> => allDeltas(spec, round, partitions, sight, deps);
  // How long a delta may be follows from all of them, and with a quorum so does which of them count.
  if (spec.training.quorum < 1 || spec.training.deltaNorm?.clip !== undefined) {
    return (await isThere(members)) ? byGroup : new Map();
  }
  for (const [group, partitions] of byGroup) {
    const isAsked = wanted?.has(group) !== false && !sight.plans.has(group);
    if (!isAsked || !(await isThere(partitions))) byGroup.delete(group);
  }
  return byGroup;
}

async function allDeltas(
  { job }: JobSpec,
  round: number,
  partitions: readonly number[],
  sight: RoundSight,
  { store }: ParameterServerDeps,
): Promise<boolean> {
  const unknown = partitions.filter((partition) => !sight.deltas.has(partition));
  const stage = { kind: "train", round } as const;
  // After a list there is no more to be known.
  if (sight.hasJustLooked && unknown.length > 0) return false;
  const outputs = unknown.map((partition) => keys.output(job, stage, partition));
  return allThere(store, outputs, (key) => sight.found(key));
}

/** Which of these are planned already, by whomever. */
async function plannedGroups(reduction: Reduction, groups: Iterable<number>): Promise<ReadonlySet<number>> {
  const asked = await Promise.all(
    Array.from(groups, async (group) => ((await isPlanned(reduction, group)) ? [group] : [])),
  );
  return new Set(asked.flat());
}

async function isPlanned({ spec, round, sight, deps }: Reduction, group: number): Promise<boolean> {
  if (sight.plans.has(group)) return true;
  if (!(await exists(deps.store, keys.groupPlan(spec.job, round, group)))) return false;
  const plan = await readGroupPlan(deps.store, spec.job, round, group);
  if (plan !== undefined) sight.plans.set(group, etagsOf(plan.record));
  return plan !== undefined;
}

function etagsOf({ sources }: GroupPlan): ReadonlyMap<number, string> {
  return new Map(sources.map(({ partition, etag }) => [partition, etag]));
}

/** A hint that claims another delta than the sums were to be made of: that one was damaged, and a sum may have failed of it. */
async function mend(reduction: Reduction): Promise<void> {
  const { spec, round, sight, deps } = reduction;
  const mended = claimsOf(reduction).flatMap(({ partition, etag }) => {
    const group = groupOf(partition);
    const planned = sight.plans.get(group)?.get(partition);
    return planned === undefined || planned === etag ? [] : [group];
  });
  for (const group of new Set(mended)) {
    await handOut(spec, round, await missingLeavesOf(spec, round, group, deps.store), deps);
  }
}

/** Ends the round where all is there, and hands out anew what is missing where the driver asks and nobody is at work. */
async function goOn({ spec, round, hints, deps }: Reduction): Promise<boolean> {
  const seen = await readReduction(deps.store, spec, round);
  const missing = missingOf(spec, seen.planned, seen.isThere);
  if (seen.hasAllSlices) {
    await commitReduction(spec, round, deps);
    return true;
  }
  const isAsked = hints.some(({ claim, isLeftOut }) => claim === undefined && isLeftOut === undefined);
  const idleMs = deps.clock.now() - seen.newestAt;
  // A clock that was set back counts as a long time.
  const isStalled = idleMs < 0 || idleMs >= stalledMs;
  if (isAsked && isStalled) await handOut(spec, round, missing, deps);
  return false;
}
