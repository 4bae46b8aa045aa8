import type { ErrorFacts, FailureRecord, JobId } from "@stampede/core";
import { attemptName } from "../attempt-name.js";
import type { History } from "../simulation.js";
import type { Injected, SimulatedKind } from "../weather.js";

type Code = ErrorFacts["code"];

/** Which faults of an executor can make its attempt fail with a code. */
const kindsBehind: Partial<Record<Code, readonly SimulatedKind[]>> = {
  "store.unavailable": ["refused", "unanswered", "clashed"],
  "engine.failed": ["fails"],
  "task.out-of-memory": ["out-of-memory"],
  "training.non-finite": ["not-finite"],
  "task.crashed": ["dies-before", "dies-after"],
};

/** The same for a task that is poisoned: these faults are not counted. */
const poisonBehind: Partial<Record<Code, SimulatedKind>> = {
  "engine.failed": "fails",
  "task.out-of-memory": "out-of-memory",
  "training.non-finite": "not-finite",
  "task.crashed": "dies-before",
};

type Attempt = Pick<FailureRecord, "job" | "stage" | "partition" | "attempt">;

/** Whether what was injected can be the cause of an attempt's recorded failure. */
export function isFailureExplained(history: History, failure: FailureRecord): boolean {
  const { code } = failure.error;
  if (isPoisoned(history, failure) && poisonBehind[code] === poisonOf(history, failure.job)?.kind) return true;
  if (failure.continuesAt !== undefined) {
    return history.scenario.habits.invocationMs !== undefined || isLatenessExplained(history, failure);
  }
  const own = faultsOfAttempt(history, failure);
  switch (code) {
    case "store.corrupt":
      return isDamageExplained(history, own);
    case "task.timed-out":
      return isLatenessExplained(history, failure);
    case "task.output-damaged":
      return isDamageExplained(history, history.injected);
    default:
      return own.some(({ kind }) => kindsBehind[code]?.includes(kind) === true);
  }
}

/** Whether an attempt may have been late, or silent, for a reason: something held it up, or whoever was to start it. */
export function isLatenessExplained(history: History, attempt: Attempt): boolean {
  if (isPoisoned(history, attempt) || history.scenario.crashesAfterMs.length > 0) return true;
  const name = attemptName(attempt);
  return history.injected.some(
    ({ who, what, kind }) =>
      isOfAttempt(who, name) || what.endsWith(name) || kind === "jumps" || (isDriver(who) && !harmless.has(kind)),
  );
}

/** An object decayed, or one reader's reads of one object were torn twice. */
export function isDamageExplained({ injected }: History, faults: readonly Injected[]): boolean {
  return injected.some(({ kind }) => kind === "decays") || isTorn(faults);
}

/** One reader's reads of one object were torn twice. */
export function isTorn(faults: readonly Injected[]): boolean {
  const torn = faults.filter(({ kind }) => kind === "truncated" || kind === "bit-flipped");
  const readers = torn.map(({ who, what }) => `${who} ${what}`);
  return new Set(readers).size < readers.length;
}

function isPoisoned(history: History, { job, stage, partition }: Omit<Attempt, "attempt">): boolean {
  const poison = poisonOf(history, job);
  return poison?.partition === partition && stage.round >= poison.fromRound;
}

function poisonOf({ jobs }: History, job: JobId): History["jobs"][number]["plan"]["poison"] {
  return jobs.find(({ spec }) => spec.job === job)?.plan.poison;
}

function faultsOfAttempt({ injected }: History, attempt: Attempt): readonly Injected[] {
  const name = attemptName(attempt);
  return injected.filter(({ who }) => isOfAttempt(who, name));
}

/** Also of a second invocation, `... #2`. */
function isOfAttempt(who: string, name: string): boolean {
  return who === name || who.startsWith(`${name} #`);
}

/** Who starts attempts: the driver, with whatever hands it its messages. */
function isDriver(who: string): boolean {
  return who.startsWith("driver ") || who === "platform" || who.startsWith("sweeper ");
}

/** What a driver must take without anybody else noticing. */
const harmless: ReadonlySet<SimulatedKind> = new Set(["doubled", "conflict-with-itself", "truncated", "bit-flipped"]);
