import {
  DeadLetterRecord,
  decodeRecord,
  errorCatalogue,
  isStampedeError,
  keys,
  roundsOf,
  toErrorFacts,
  type ErrorFacts,
} from "@stampede/core";
import { startAt, type History, type JobHistory } from "../simulation.js";
import type { Poison } from "../shapes.js";
import { isDamageExplained, isTorn } from "./explain.js";
import type { Violation } from "./violation.js";

/** Jobs and functions fail for reasons that can be named, and only for such as were injected. */
export function wrongReasons(history: History): readonly Violation[] {
  return [...wrongFunctions(history), ...history.jobs.flatMap((job) => wrongOutcome(history, job))];
}

function wrongFunctions(history: History): readonly Violation[] {
  return history.ledger.failures.flatMap(({ who, error }) => {
    const { code, message } = toErrorFacts(error);
    if (isFunctionErrorExplained(history, who, error)) return [];
    return [{ rule: "functions-fail-for-a-reason", message: `${who} failed: ${code} ${message}` }];
  });
}

function isFunctionErrorExplained(history: History, who: string, error: unknown): boolean {
  if (!isStampedeError(error)) return false;
  const own = history.injected.filter((fault) => fault.who === who);
  switch (error.code) {
    case "store.unavailable":
      return own.some(({ kind }) => kind === "refused" || kind === "unanswered" || kind === "clashed");
    case "store.corrupt":
      // A sweeper that fails of one job's damage wakes no other job any more.
      return who.startsWith("sweeper ") ? isTorn(own) : isDamageExplained(history, own);
    case "job.not-found":
    case "job.not-resumable":
      return who.startsWith("cancel ");
    case "job.exists":
      // It met itself, and could not know itself again.
      return own.some(({ kind }) => kind === "conflict-with-itself") && isDamageExplained(history, own);
    default:
      return false;
  }
}

function wrongOutcome(history: History, job: JobHistory): readonly Violation[] {
  const { result, plan } = job;
  switch (result?.status) {
    case "succeeded":
      return isPoisonMet(job) ? [unexplained("a poisoned job succeeded")] : [];
    case "cancelled":
      return plan.cancelAfterMs === undefined ? [unexplained("nobody had cancelled the job")] : [];
    case "failed":
      return wrongFailure(history, job, result.error, result.endedAt);
    case undefined:
      return [];
  }
}

/** A simplified job may not come so far. */
function isPoisonMet({ plan: { poison }, spec }: JobHistory): boolean {
  if (poison === undefined || poison.partition >= spec.partitions) return false;
  return spec.kind !== "train" || poison.fromRound <= roundsOf(spec);
}

function wrongFailure(
  history: History,
  job: JobHistory,
  error: ErrorFacts | undefined,
  endedAt: number,
): readonly Violation[] {
  if (error === undefined) return [unexplained("the job failed without a reason")];
  const { code, message } = error;
  const dead = deadLetterOf(history, job);
  if (isTaskFailure(code)) {
    // Each attempt of it is looked at elsewhere.
    const isSame = dead?.error.code === code && dead.error.message === message;
    return isSame ? wrongPoison(history, job, dead) : [unexplained(`${code} without a dead letter: ${message}`)];
  }
  const isExplained =
    code === "job.timed-out"
      ? isTimeUp(history, job, endedAt)
      : (code === "store.corrupt" && isDamageExplained(history, history.injected)) ||
        (code === "training.non-finite" && isNotFinite(history, job));
  return isExplained ? [] : [unexplained(`${code}: ${message}`)];
}

/** Only the task's own attempts end with such a code. */
function isTaskFailure(code: ErrorFacts["code"]): boolean {
  return errorCatalogue[code].retryable && code !== "internal.unexpected" && code !== "store.conflict";
}

function isTimeUp({ injected }: History, { plan }: JobHistory, endedAt: number): boolean {
  const limit = plan.limits.jobTimeoutSeconds;
  if (limit === undefined) return false;
  return endedAt >= startAt + limit * 1000 || injected.some(({ kind }) => kind === "jumps");
}

function isNotFinite({ injected }: History, { plan, spec }: JobHistory): boolean {
  const isInjected = injected.some(({ kind, who }) => kind === "not-finite" && who.startsWith(spec.job));
  return isInjected || plan.poison?.kind === "not-finite";
}

/** Where nothing else went wrong, the job fails of its poison. */
function wrongPoison(history: History, { plan }: JobHistory, dead: DeadLetterRecord): readonly Violation[] {
  const { poison } = plan;
  const isAlone = history.injected.length === 0 && history.scenario.crashesAfterMs.length === 0;
  if (poison === undefined || !isAlone) return [];
  const isMeant = poisonCodes[poison.kind].some((code) => code === dead.error.code);
  if (isMeant && dead.partition === poison.partition) return [];
  return [unexplained(`the dead letter of a job with ${poison.kind} in p${poison.partition}: ${JSON.stringify(dead)}`)];
}

const poisonCodes = {
  fails: ["engine.failed"],
  "out-of-memory": ["task.out-of-memory"],
  "not-finite": ["training.non-finite"],
  // Where nobody reports it, its time runs out.
  "dies-before": ["task.crashed", "task.timed-out"],
} as const satisfies Record<Poison["kind"], readonly ErrorFacts["code"][]>;

function deadLetterOf({ ledger }: History, { spec }: JobHistory): DeadLetterRecord | undefined {
  const key = keys.deadLetter(spec.job);
  const body = ledger.writes.find((write) => write.key === key)?.body;
  return body && decodeRecord(DeadLetterRecord, body, key);
}

function unexplained(message: string): Violation {
  return { rule: "jobs-fail-for-a-reason", message };
}
