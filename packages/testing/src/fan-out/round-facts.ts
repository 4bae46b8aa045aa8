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
  /** These only where a round is averaged in slices. */
  readonly planned?: number;
  readonly firstSliceBegins?: number;
  readonly lastSliceBegins?: number;
  readonly lastSlice?: number;
  readonly weights: number;
}

export function factsOfRound(story: RoundStory): RoundFacts {
  const { round, beganAt, endedAt = NaN, plannedAt, slicesBegan, slicesCommitted, weightsAt = NaN } = story;
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
      ...(plannedAt !== undefined && {
        planned: after(plannedAt),
        firstSliceBegins: after(least(slicesBegan)),
        lastSliceBegins: after(most(slicesBegan)),
        lastSlice: after(most(slicesCommitted)),
      }),
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
