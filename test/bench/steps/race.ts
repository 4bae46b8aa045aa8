import { setTimeout as pause } from "node:timers/promises";
import { median } from "../measure.js";
import type { Task } from "./orders.js";
import type { Participant } from "./participant.js";

/** One participant with one task. */
export interface Entrant {
  readonly name: string;
  readonly participant: Participant;
  readonly task: Task;
}

export interface RaceOptions {
  /** Every entrant's turn comes once a round, so that a machine that slows down meets all of them. */
  readonly rounds: number;
  /** About how long one turn takes: as many steps as fit. */
  readonly turnMs: number;
}

export interface RaceResult {
  /** Milliseconds per step of each turn, by entrant; those that could not take part are not there. */
  readonly times: ReadonlyMap<string, readonly number[]>;
  /** Who was left out, or timed only once, and why. */
  readonly notes: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

/** An entrant whose single step takes longer is timed just once. */
const slowStepMs = 2000;
/** Threads of the one before may still spin, waiting for work. */
const pauseMs = 20;
const warmUpShare = 0.25;

interface Runner extends Entrant {
  readonly steps: number;
  readonly turnMs: number;
}

/** Opens all entrants, warms them up, and lets them take turns. */
export async function race(entrants: readonly Entrant[], options: RaceOptions): Promise<RaceResult> {
  const times = new Map<string, number[]>();
  const notes: string[] = [];
  const versions: Record<string, string> = {};
  let runners: Runner[] = [];
  const fail = ({ name }: Entrant, error: unknown): void => {
    times.delete(name);
    notes.push(`${name} left out: ${messageOf(error)}`);
  };
  for (const entrant of entrants) {
    try {
      Object.assign(versions, await entrant.participant.open(entrant.task));
      const [steps, turnMs] = await warmUp(entrant, options.turnMs);
      times.set(entrant.name, steps === 0 ? [turnMs] : []);
      if (steps === 0) {
        notes.push(`${entrant.name}: a step takes ${(turnMs / 1000).toFixed(1)} s, so one was timed, once`);
      } else {
        runners.push({ ...entrant, steps, turnMs });
      }
    } catch (error) {
      fail(entrant, error);
    }
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const runner of turned(runners, round)) {
      try {
        await pause(pauseMs);
        const ms = await runner.participant.run(runner.steps, runner.turnMs);
        times.get(runner.name)?.push(ms / runner.steps);
      } catch (error) {
        fail(runner, error);
        runners = runners.filter((other) => other !== runner);
      }
    }
  }
  for (const { participant } of entrants) await participant.close().catch(() => undefined);
  return { times, notes, versions };
}

/** How many steps make a turn, and what they take; no steps when one is too slow for turns, then with what it took. */
async function warmUp({ participant }: Entrant, turnMs: number): Promise<readonly [steps: number, ms: number]> {
  const first = await participant.run(1);
  // The first one may compile; so a slow one gets another chance.
  const second = await participant.run(1, first);
  if (second > slowStepMs) return [0, second];
  const fitting = (stepMs: number, share: number): number => Math.max(1, Math.round((share * turnMs) / stepMs));
  const some = fitting(second, warmUpShare);
  const ms = await participant.run(some, some * second);
  const more = fitting(ms / some, warmUpShare);
  const moreMs = await participant.run(more, (more * ms) / some);
  const steps = fitting(moreMs / more, 1);
  return [steps, (steps * moreMs) / more];
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Each round somebody else begins. */
function turned<T>(list: readonly T[], by: number): readonly T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** How many times the one is faster than the other: turn by turn, or by the medians where one of them had fewer turns. */
export function speedups({ times }: RaceResult, faster: string, slower: string): readonly number[] {
  const [fast, slow] = [times.get(faster) ?? [], times.get(slower) ?? []];
  if (fast.length === 0 || slow.length === 0) return [];
  if (fast.length !== slow.length) return [median(slow) / median(fast)];
  return fast.map((ms, i) => (slow[i] ?? Number.NaN) / ms);
}
