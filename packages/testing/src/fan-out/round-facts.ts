import type { Requests } from "./bill.js";
import type { RoundStory } from "./story.js";

/** One round, in ms; points of time are counted from its beginning. */
export interface RoundFacts {
  readonly round: number;
  /** From the head that begins it to the one that follows, or to the job's result. */
  readonly wallMs: number;
  /** Of the slowest executor: from the start of its invocation to its committed delta. */
  readonly slowestMs: number;
  /** What the round takes beside that, in percent of it. */
  readonly overheadPercent: number;
  /** The most that one executor computes, without reading, writing and starting. */
  readonly mostWorkMs: number;
  readonly timeline: RoundTimeline;
  /** From head to head. */
  readonly requests: Requests;
}

export interface RoundTimeline {
  readonly firstExecutorBegins: number;
  readonly lastExecutorBegins: number;
  readonly lastExecutorReady: number;
  readonly firstDelta: number;
  readonly lastDelta: number;
  /** These only where several functions average a round, and what there is of them. */
  readonly firstPlan?: number;
  readonly lastPlan?: number;
  readonly lastSum?: number;
  readonly lastPart?: number;
  readonly lastSlice?: number;
  readonly weights: number;
}

export function factsOfRound(story: RoundStory): RoundFacts {
  const { round, beganAt, endedAt = NaN, reduced, weightsAt = NaN } = story;
  const tasks = [...story.tasks.values()];
  const commits = tasks.map(({ committedAt = NaN }) => committedAt);
  const slowestMs = most(tasks.map((task, index) => (commits[index] ?? NaN) - task.beganAt));
  const wallMs = endedAt - beganAt;
  const after = (at: number): number => at - beganAt;
  return {
    round,
    wallMs,
    slowestMs,
    overheadPercent: (100 * (wallMs - slowestMs)) / slowestMs,
    mostWorkMs: most(tasks.map(({ workMs }) => workMs)),
    timeline: {
      firstExecutorBegins: after(least(tasks.map((task) => task.beganAt))),
      lastExecutorBegins: after(most(tasks.map((task) => task.beganAt))),
      lastExecutorReady: after(most(tasks.map((task) => task.readyAt))),
      firstDelta: after(least(commits)),
      lastDelta: after(most(commits)),
      ...(reduced.plans.length > 0 && { firstPlan: after(least(reduced.plans)), lastPlan: after(most(reduced.plans)) }),
      ...(reduced.sums.length > 0 && { lastSum: after(most(reduced.sums)) }),
      ...(reduced.parts.length > 0 && { lastPart: after(most(reduced.parts)) }),
      ...(reduced.slices.length > 0 && { lastSlice: after(most(reduced.slices)) }),
      weights: after(weightsAt),
    },
    requests: story.requests,
  };
}

function least(values: readonly number[]): number {
  return values.reduce((lowest, value) => Math.min(lowest, value), Infinity);
}

function most(values: readonly number[]): number {
  return values.reduce((highest, value) => Math.max(highest, value), -Infinity);
}
