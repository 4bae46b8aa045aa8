import { decodeRecord, JobHead, keys, type Stage } from "@stampede/core";
import type { History, JobHistory } from "../simulation.js";
import { endingsIn } from "./endings.js";
import type { Violation } from "./violation.js";

/** The head of a job moves on: from stage to stage, and within one from attempt to attempt, never more often than is permitted. */
export function wrongHeads(history: History): readonly Violation[] {
  return history.jobs.flatMap((job) => {
    const heads = headsOf(history, job);
    return [...wrongOrder(heads), ...tooManyAttempts(heads, job, history)];
  });
}

/** Every version of a job's head, the first one first. */
function headsOf({ ledger }: History, { spec }: JobHistory): readonly JobHead[] {
  const key = keys.head(spec.job);
  return ledger.writes.flatMap((write) => (write.key === key ? [decodeRecord(JobHead, write.body, key)] : []));
}

function wrongOrder(heads: readonly JobHead[]): readonly Violation[] {
  const tokens = new Set(heads.map(({ token }) => token));
  const found: Violation[] = tokens.size === heads.length ? [] : [wrong("two versions carry one token")];
  for (const [index, head] of heads.entries()) {
    const before = heads[index - 1];
    if (before === undefined) continue;
    const step = orderOf(head.stage) - orderOf(before.stage);
    if (step < 0) found.push(wrong(`from ${nameOf(before.stage)} back to ${nameOf(head.stage)}`));
    if (step === 0 && isLess(head.tasks.attempts, before.tasks.attempts)) found.push(wrong("an attempt became less"));
    if (step === 0 && isLess(head.tasks.failures, before.tasks.failures)) found.push(wrong("a failure was forgotten"));
    const isFresh = head.tasks.attempts.every((attempt) => attempt === 1);
    if (step > 0 && !isFresh) found.push(wrong("a stage began with retries"));
  }
  return found;
}

function tooManyAttempts(
  heads: readonly JobHead[],
  { plan: { limits }, spec: { job } }: JobHistory,
  { scenario, ledger }: History,
): readonly Violation[] {
  const most = limits.maxAttempts + (limits.backups ? 1 : 0) + scenario.crashesAfterMs.length;
  const continued = endingsIn(ledger, job).filter(({ continuesAt }) => continuesAt !== undefined);
  const continuedIn = ({ kind, round }: Stage, partition: number): number =>
    continued.filter((each) => each.partition === partition && each.stage.kind === kind && each.stage.round === round)
      .length;
  const over = heads.find(({ stage, tasks }) =>
    tasks.attempts.some((attempt, partition) => attempt > most + continuedIn(stage, partition)),
  );
  if (over === undefined) return [];
  const message = `attempts ${over.tasks.attempts.join(", ")} in ${nameOf(over.stage)}, where ${most} are permitted beside continued ones`;
  return [{ rule: "attempts-are-capped", message }];
}

function orderOf({ kind, round }: Stage): number {
  return 2 * round + (kind === "evaluate" ? 1 : 0);
}

function nameOf({ kind, round }: Stage): string {
  return `${kind} ${round}`;
}

function isLess(values: readonly number[], others: readonly number[]): boolean {
  return values.length !== others.length || values.some((value, index) => value < (others[index] ?? 0));
}

function wrong(message: string): Violation {
  return { rule: "head-moves-on", message };
}
