import {
  encodeTensorRecord,
  hashTensors,
  keys,
  RoundRecord,
  type JobId,
  type JobSpec,
  type NamedTensors,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { rememberedWeights, rememberSum, rememberWeights, takeSum } from "../remembered.js";
import { joinTensors, splitTensors } from "../round-tensors.js";
import { createOnce } from "../store/commit.js";
import { readWeights } from "../store/round-store.js";
import type { RoundPlan } from "./round-plan.js";
import { RoundSum } from "./round-sum.js";
import type { RoundSight } from "./sight.js";

/**
 * Adds up what is there of a round, as far as no delta is missing in between, and commits its weights when that is all.
 * @returns whether the weights are committed
 */
export async function aggregateRound(
  spec: JobSpec,
  round: number,
  plan: RoundPlan,
  sight: RoundSight,
  deps: ParameterServerDeps,
): Promise<boolean> {
  const { store } = deps;
  const { job } = spec;
  // Nobody else has it meanwhile, and after an error nobody finds it again.
  const begun = takeSum(store);
  const fits = begun?.fits(spec, round, plan) === true;
  const isComplete = plan.members.every((partition) => sight.deltas.has(partition));
  if (!fits && !isComplete && !sight.isFirstHand) return keepSum(begun, deps);
  const sum = fits ? begun : new RoundSum(spec, round, await weightsBefore(job, round, deps));
  if (!(await sum.advance(plan, sight.deltas, store))) return keepSum(sum, deps);
  await commitRound(spec, round, sum, deps);
  return true;
}

function keepSum(sum: RoundSum | undefined, { store }: ParameterServerDeps): false {
  if (sum !== undefined) rememberSum(store, sum);
  return false;
}

async function commitRound(
  { job, training }: JobSpec,
  round: number,
  sum: RoundSum,
  { store, unique, clock }: ParameterServerDeps,
): Promise<void> {
  const { weights, optimizer, summary } = sum.result();
  const record: RoundRecord = {
    version: 1,
    job,
    round,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    ...summary,
    weightsSha256: hashTensors(weights),
  };
  // A conflict means that another parameter server was first, with the same deltas and so the same bits.
  const body = encodeTensorRecord(RoundRecord, record, joinTensors({ weights, optimizer }));
  const outcome = await createOnce(store, keys.weights(job, round), body);
  // The other one may have counted a late delta that this one had not seen.
  if (outcome === "created" || training.quorum === 1) rememberWeights(store, job, round, weights);
}

/** What the round began with. */
async function weightsBefore(job: JobId, round: number, { store }: ParameterServerDeps): Promise<NamedTensors> {
  const known = rememberedWeights(store, job, round - 1);
  return known ?? splitTensors((await readWeights(store, job, round - 1)).tensors).weights;
}
