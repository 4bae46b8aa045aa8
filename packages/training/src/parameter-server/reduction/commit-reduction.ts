import {
  encodeTensorRecord,
  groupsIn,
  keys,
  mergeMetrics,
  RoundRecord,
  roundsOf,
  slicingIn,
  decodeTensorRecordHeader,
  GroupPlan,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { inOrder } from "../../in-order.js";
import { createOnce } from "../../store/commit.js";
import { readHeader } from "../../store/headers.js";
import { exists, missing } from "../../store/records.js";
import { claimsOf, hashSlices } from "../../store/slices.js";
import type { RoundSummary } from "../round-summary.js";

const readsAtOnce = 32;

/** The round is its slices from now on. Whoever commits the last round of a job reads them all, one after the other, for their hash. */
export async function commitReduction(
  spec: JobSpec,
  round: number,
  { store, unique, clock }: Pick<ParameterServerDeps, "store" | "unique" | "clock">,
): Promise<void> {
  const { job } = spec;
  const key = keys.weights(job, round);
  const [isCommitted, summary, claims] = await Promise.all([
    exists(store, key),
    summaryOf(spec, round, store),
    claimsOf(store, job, round, slicingIn(spec).slices),
  ]);
  if (isCommitted) return;
  const isLast = round === roundsOf(spec);
  const record: RoundRecord = {
    version: 1,
    job,
    round,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    ...summary,
    ...(isLast && { weightsSha256: await hashSlices(store, job, round, claims) }),
    slices: claims,
  };
  // A conflict means that another parameter server was first, with the same slices.
  await createOnce(store, key, encodeTensorRecord(RoundRecord, record, new Map()));
}

/** What the plans of all groups say. */
async function summaryOf({ job, partitions }: JobSpec, round: number, store: ObjectStore): Promise<RoundSummary> {
  const groups = Array.from({ length: groupsIn(partitions) }, (_, group) => group);
  const plans: GroupPlan[] = [];
  const reading = async (group: number): Promise<GroupPlan> => {
    const key = keys.groupPlan(job, round, group);
    const read = await readHeader(store, key, (prefix) => decodeTensorRecordHeader(GroupPlan, prefix, key));
    if (read === undefined) throw missing(key);
    return read.value;
  };
  for await (const plan of inOrder(groups, readsAtOnce, reading)) plans.push(plan);
  const contributions = plans.flatMap((plan) => plan.contributions);
  const validations = plans.flatMap((plan) => plan.validations);
  return {
    contributions,
    metrics: mergeMetrics(contributions.map(({ metrics }) => metrics)),
    ...(validations.length > 0 && { validation: mergeMetrics(validations) }),
  };
}
