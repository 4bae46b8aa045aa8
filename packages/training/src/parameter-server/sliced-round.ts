import {
  aggregationPatienceMs,
  DeltaMessage,
  encodeMessage,
  encodeTensorRecord,
  keys,
  partitionOfOutput,
  RoundRecord,
  roundsOf,
  SlicePlan,
  slicesIn,
  type JobSpec,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { createOnce } from "../store/commit.js";
import { exists, missing } from "../store/records.js";
import { claimsOf, hashSlices } from "../store/slices.js";
import { planOf } from "./round-plan.js";
import type { RoundSight } from "./sight.js";
import { makeSlicePlan } from "./make-slice-plan.js";
import { readSlicePlan } from "./slice-plan.js";

/** A message takes its time; the last function is not to start long after the first one. */
const sendsAtOnce = 16;

/** A round that is averaged in slices, and what a parameter server was told of it. */
export interface SlicedRound {
  readonly spec: JobSpec;
  readonly round: number;
  readonly hints: readonly DeltaMessage[];
  readonly sight: RoundSight;
  readonly deps: ParameterServerDeps;
  /** Has somebody look later. */
  readonly leaveOut: () => Promise<void>;
}

/**
 * Goes on with a round as far as it can: when all deltas are there, it commits what the slices are made of and hands them out, one message
 * each; when all slices are there, it commits the round.
 * @returns whether the weights are committed
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function advanceSlices(sliced: SlicedRound): Promise<boolean> {
  const { spec, round, hints, sight, deps } = sliced;
  const isKnown = (): boolean => (sight.isPlanned ? sight.hasAllSlices(slicesIn(spec)) : sight.hasAllDeltas(spec));
  if (!isKnown() && !sight.mustLook(hints) && !(await isMended(sliced))) {
    await sliced.leaveOut();
    return false;
  }
  if (await exists(deps.store, keys.weights(spec.job, round))) return true;
  sight.isPlanned ||= await exists(deps.store, keys.slicePlan(spec.job, round));
  // Of what it waits for now: a plan may have been there.
  if (!isKnown()) await sight.look(deps.store);
  return sight.isPlanned ? finishSlices(sliced) : beginSlices(sliced);
}

/** Commits what the slices are made of, once all of it is there, and hands the slices out. */
async function beginSlices({ spec, round, sight, deps, leaveOut }: SlicedRound): Promise<false> {
  const { store } = deps;
  const { members } = await planOf(spec, round, store);
  if (!members.every((partition) => sight.deltas.has(partition))) return false;
  const { record, tensors } = await makeSlicePlan(spec, round, members, deps);
  const body = encodeTensorRecord(SlicePlan, record, tensors);
  const outcome = await createOnce(store, keys.slicePlan(spec.job, round), body);
  sight.isPlanned = true;
  // Another one was first, and hands them out.
  if (outcome === "conflict") {
    await leaveOut();
    return false;
  }
  sight.plan = asRemembered(record);
  await handOut(spec, round, sight.missingSlices(slicesIn(spec)), deps);
  return false;
}

/**
 * Commits the round when all slices are there. Hands out anew what is missing where the driver asks and the functions had some time, or
 * where a delta was made anew.
 */
async function finishSlices(sliced: SlicedRound): Promise<boolean> {
  const { spec, round, hints, sight, deps } = sliced;
  const slices = slicesIn(spec);
  if (sight.hasAllSlices(slices)) {
    await commitSlices(spec, round, deps);
    return true;
  }
  const isAsked = hints.some(({ claim, isLeftOut }) => claim === undefined && isLeftOut === undefined);
  const isDue = (isAsked && (await isOverdue(sliced))) || (await isMended(sliced));
  if (isDue) await handOut(spec, round, sight.missingSlices(slices), deps);
  return false;
}

async function handOut(
  { job }: JobSpec,
  round: number,
  slices: readonly number[],
  { queues }: ParameterServerDeps,
): Promise<void> {
  const send = (slice: number): Promise<void> =>
    queues.deltas.send(encodeMessage(DeltaMessage, { version: 1, type: "delta", job, round, slice }));
  for (let from = 0; from < slices.length; from += sendsAtOnce) {
    await Promise.all(slices.slice(from, from + sendsAtOnce).map(send));
  }
}

/** Whether a hint claims another delta than the slices were to be made of: that one was damaged, and a slice may have failed of it. */
async function isMended(sliced: SlicedRound): Promise<boolean> {
  const { spec, round, hints, sight } = sliced;
  if (!sight.isPlanned) return false;
  const stage = { kind: "train", round } as const;
  const claims = hints.flatMap(({ claim }) => {
    const partition = claim && partitionOfOutput(claim.key, spec.job, stage);
    return partition === undefined ? [] : [{ partition, etag: claim?.etag }];
  });
  if (claims.length === 0) return false;
  const etags = (await planIn(sliced))?.etags;
  return claims.some(({ partition, etag }) => etags?.has(partition) === true && etags.get(partition) !== etag);
}

/** Whether the slices were handed out so long ago that a message may be lost. A clock that was set back counts as such. */
async function isOverdue(sliced: SlicedRound): Promise<boolean> {
  const plan = await planIn(sliced);
  const age = plan === undefined ? Infinity : sliced.deps.clock.now() - plan.madeAt;
  return age < 0 || age >= aggregationPatienceMs;
}

async function planIn({ spec, round, sight, deps }: SlicedRound): Promise<RoundSight["plan"]> {
  if (sight.plan === undefined) {
    const read = await readSlicePlan(deps.store, spec.job, round);
    sight.plan = read && asRemembered(read.record);
  }
  return sight.plan;
}

function asRemembered({ madeAt, sources }: SlicePlan): RoundSight["plan"] {
  return { madeAt, etags: new Map(sources.map(({ partition, etag }) => [partition, etag])) };
}

/** The round is its slices from now on. Whoever commits the last round of a job reads them all, one after the other, for their hash. */
async function commitSlices(
  spec: JobSpec,
  round: number,
  { store, unique, clock }: ParameterServerDeps,
): Promise<void> {
  const { job } = spec;
  const plan = await readSlicePlan(store, job, round);
  if (plan === undefined) throw missing(keys.slicePlan(job, round));
  const { contributions, metrics, validation, slices } = plan.record;
  const claims = await claimsOf(store, job, round, slices);
  const isLast = round === roundsOf(spec);
  const record: RoundRecord = {
    version: 1,
    job,
    round,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    contributions,
    metrics,
    ...(validation && { validation }),
    ...(isLast && { weightsSha256: await hashSlices(store, job, round, claims) }),
    slices: claims,
  };
  // A conflict means that another parameter server was first, with the same slices.
  await createOnce(store, keys.weights(job, round), encodeTensorRecord(RoundRecord, record, new Map()));
}
