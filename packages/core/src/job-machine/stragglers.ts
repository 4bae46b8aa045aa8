import type { JobSpec } from "../schema/job.js";
import type { NextHead } from "./facts.js";

/** How long tasks usually take, as far as this job has shown. */
export interface Pace {
  readonly medianMs: number;
  /** Beyond the median, before a task counts as slow. */
  readonly slackMs: number;
}

/** `median + 3 * MAD`, a common rule for outliers; FedLesScan and Flower use others of its kind. */
const madFactor = 3;
/** At least this share of the median: rounds that are all alike have no spread at all. */
const leastSlack = 0.25;
/** Below that a difference says nothing: a busy machine's timers alone are late by so much. */
const leastSlackMs = 40;
/** Durations that are remembered. */
const rememberedDurations = 64;
/** A round may add half of them at most, so that one odd round is outvoted by those before it. */
const perRound = rememberedDurations / 2;
/** While nothing is known of a stage's pace it is looked at when it is this old, then at twice, four times ... this age. */
const firstLookMs = 2_000;

/** The durations to go on with after a round; of very many an evenly spaced sample. */
export function rememberDurations(known: readonly number[], added: readonly number[]): number[] {
  const step = Math.max(1, Math.ceil(added.length / perRound));
  const sample = added.filter((_, index) => index % step === 0);
  return [...known, ...sample].slice(-rememberedDurations);
}

/** Undefined while neither earlier rounds nor half of this stage's tasks have shown anything. */
export function paceOf({ stage, durations, halfAfterMs }: NextHead): Pace | undefined {
  if (stage.kind === "train" && durations.length > 1) {
    const medianMs = lowerMedian(durations);
    const spread = lowerMedian(durations.map((duration) => Math.abs(duration - medianMs)));
    return { medianMs, slackMs: Math.max(madFactor * spread, leastSlack * medianMs, leastSlackMs) };
  }
  // Half of the tasks took that long or less; the others get twice the time.
  return halfAfterMs === undefined ? undefined : { medianMs: halfAfterMs, slackMs: halfAfterMs + leastSlackMs };
}

/** The lower of the two middle values: with two executors, the faster one. A straggler must not raise what is usual. */
function lowerMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}

/** Whether so many outputs are there that the rest can be called slow: otherwise the whole stage is. */
export function isHalfDone({ partitions }: JobSpec, present: number): boolean {
  return present * 2 >= partitions;
}

/** Whether the round may end without what is missing. */
export function hasQuorum({ training, partitions }: JobSpec, { stage }: NextHead, present: number): boolean {
  const { quorum } = training;
  return stage.kind === "train" && quorum < 1 && present >= Math.max(1, Math.ceil(quorum * partitions));
}

/** When a round with a quorum ends. */
export function closesAt({ training }: JobSpec, { stageStartedAt }: NextHead, { medianMs, slackMs }: Pace): number {
  return stageStartedAt + medianMs + Math.min(slackMs, training.graceSeconds * 1000);
}

/** When a stage should be looked at because of its pace: the first time after `now` in a series that doubles, so that looks stay few. */
export function nextLookAt(from: number, firstAfterMs: number, now: number): number {
  let after = Math.max(1, firstAfterMs);
  while (from + after <= now) after *= 2;
  return from + after;
}

export function firstUnknownLook({ stageStartedAt }: NextHead, now: number): number {
  return nextLookAt(stageStartedAt, firstLookMs, now);
}
