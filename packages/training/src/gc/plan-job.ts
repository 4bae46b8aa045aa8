import {
  keys,
  roundOfKey,
  sliceOfKey,
  type GraphName,
  type JobHead,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectInfo,
} from "@stampede/core";
import type { GarbageKind } from "./report.js";

/** A stored job with the objects of its folder. */
export interface KnownJob {
  readonly spec: JobSpec;
  /** Absent while the job has not ended. */
  readonly result: JobResult | undefined;
  /** Absent before the driver's first decision. */
  readonly head: JobHead | undefined;
  readonly objects: readonly ObjectInfo[];
}

interface Removal {
  readonly kind: GarbageKind;
  readonly objects: readonly ObjectInfo[];
}

export interface JobPlan {
  /** Rounds whose records MUST be kept as the job's history before weights are removed; absent where there is nothing to be lost. */
  readonly history?: readonly number[];
  readonly removals: readonly Removal[];
}

/**
 * What a job does not need any more. Pure.
 *
 * @param isOld whether what was written at this time is no longer waited for by anybody
 */
export function planJob(job: KnownJob, isOld: (at: number) => boolean): JobPlan {
  return job.result === undefined ? planUnfinished(job) : planEnded(job, job.result, isOld);
}

/**
 * Executors that train round r go on from the optimizer state in the delta of round r-1, and nobody reads older ones: their rounds are
 * committed. With a quorum a partition may have been left out for any number of rounds, and then an old delta is its newest. What an
 * attempt left unfinished only another attempt of the same round reads, and what was on the way to a round's weights nobody does once
 * they are there.
 */
function planUnfinished({ spec, head, objects }: KnownJob): JobPlan {
  if (spec.kind !== "train" || head === undefined) return { removals: [] };
  const { kind: stage, round: current } = head.stage;
  const lastTrained = stage === "train" ? current - 1 : current;
  const lastUnread = spec.training.quorum < 1 ? 0 : current - 2;
  const removals = removalsOf(objects, ({ key }) => {
    const round = roundOfKey(key, spec.job) ?? Infinity;
    const kind = kindOf(key, spec.job);
    const isOfItsRound = kind === "checkpoints" || key.startsWith(keys.reduction(spec.job, round));
    if (isOfItsRound) return round <= lastTrained ? kind : undefined;
    return (kind === "deltas" || kind === "progress") && round <= lastUnread ? kind : undefined;
  });
  return { removals };
}

/**
 * Of a job that has ended the weights of its result stay, its records, and the graphs that are saved with the model. A job that did
 * not succeed has no result; the weights of its last round stay, which may be the work of hours.
 */
function planEnded({ spec, objects }: KnownJob, result: JobResult, isOld: (at: number) => boolean): JobPlan {
  const { job, kind } = spec;
  const rounds = kind === "train" ? committedRounds(objects, job) : [];
  const last = result.status === "succeeded" ? result.round : (rounds.at(-1) ?? 0);
  const kept = new Set([...(kind === "train" && last > 0 ? [keys.weights(job, last)] : []), ...savedGraphs(spec)]);
  const graphs = new Set((spec.graphs ?? []).map(({ name }) => keys.graph(job, name)));
  // Whoever runs a prediction reads its outputs after its end.
  const outputsWait = kind === "predict" && !isOld(result.endedAt);
  const removals = removalsOf(objects, ({ key }) => {
    if (kept.has(key) || (last > 0 && sliceOfKey(key, job, last) !== undefined)) return undefined;
    if (key === keys.requestedWeights(job)) return "leftovers";
    const found = graphs.has(key) ? "graphs" : kindOf(key, job);
    return found === "outputs" && outputsWait ? undefined : found;
  });
  const losesRounds = kind === "train" && removals.some((removal) => removal.kind === "weights");
  return { ...(losesRounds && { history: rounds }), removals };
}

/** Graphs of a model with parts of the user's own, which can be compiled nowhere else: whoever saves the model needs them. */
function savedGraphs({ job, graphs = [] }: JobSpec): readonly string[] {
  const claimed = graphs.map(({ name }) => name);
  const saved: readonly GraphName[] = claimed.includes("predict") ? ["evaluate", "predict"] : [];
  return saved.map((name) => keys.graph(job, name));
}

/** Rounds whose weights are there, ascending; round 0 is none. */
function committedRounds(objects: readonly ObjectInfo[], job: JobId): readonly number[] {
  return objects.flatMap(({ key }) => {
    const round = roundOfKey(key, job) ?? 0;
    return round > 0 && key === keys.weights(job, round) ? [round] : [];
  });
}

/** What an object of a round is; undefined for what tells of the job's life, and for what is not known. */
function kindOf(key: string, job: JobId): GarbageKind | undefined {
  const round = roundOfKey(key, job);
  if (round === undefined) return undefined;
  if (key === keys.weights(job, round) || sliceOfKey(key, job, round) !== undefined) return "weights";
  if (key.startsWith(keys.reduction(job, round))) return "deltas";
  for (const kind of ["train", "evaluate", "predict"] as const) {
    const stage = { kind, round };
    if (key.startsWith(keys.outputs(job, stage))) return kind === "train" ? "deltas" : "outputs";
    if (key.startsWith(keys.progresses(job, stage))) return "progress";
  }
  if (key.startsWith(keys.checkpoints(job, round))) return "checkpoints";
  return undefined;
}

function removalsOf(
  objects: readonly ObjectInfo[],
  kindFor: (object: ObjectInfo) => GarbageKind | undefined,
): readonly Removal[] {
  const found = new Map<GarbageKind, ObjectInfo[]>();
  for (const object of objects) {
    const kind = kindFor(object);
    if (kind === undefined) continue;
    const known = found.get(kind);
    if (known === undefined) found.set(kind, [object]);
    else known.push(object);
  }
  return [...found].map(([kind, those]) => ({ kind, objects: those }));
}
