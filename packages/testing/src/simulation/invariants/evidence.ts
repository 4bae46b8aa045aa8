import { decodeRecord, FailureRecord, JobHead, keys, ProgressRecord } from "@stampede/core";
import type { StoredWrite } from "../ledger.js";
import type { History, JobHistory } from "../simulation.js";
import { hasAdvanced } from "./endings.js";
import { isDamageExplained, isFailureExplained, isLatenessExplained } from "./explain.js";
import type { Violation } from "./violation.js";

/**
 * Every new attempt has its reason in the store, and that one in what was injected: an attempt counts as failed only if it was reported,
 * ran out of time or was silent for too long; otherwise it was slow, or lost with the machine.
 */
export function wrongAttempts(history: History): readonly Violation[] {
  return history.jobs.flatMap((job) => [...wrongFailures(history, job), ...wrongSteps(history, job)]);
}

function wrongFailures({ ledger, ...rest }: History, { spec }: JobHistory): readonly Violation[] {
  const prefix = keys.rounds(spec.job);
  return ledger.writes.flatMap(({ key, body }) => {
    if (!key.startsWith(prefix) || !/\/(failures|damages)\//.test(key)) return [];
    const failure = decodeRecord(FailureRecord, body, key);
    if (isFailureExplained({ ledger, ...rest }, failure)) return [];
    const { stage, partition, attempt, error } = failure;
    const message = `attempt ${attempt} of ${stage.kind} ${stage.round} p${partition} failed: ${error.code} ${error.message}`;
    return [{ rule: "failures-have-a-cause", message }];
  });
}

/** From one head to the next. */
function wrongSteps(history: History, { spec, plan }: JobHistory): readonly Violation[] {
  const key = keys.head(spec.job);
  const found: Violation[] = [];
  let before: JobHead | undefined;
  for (const [index, { key: written, body }] of history.ledger.writes.entries()) {
    if (written !== key) continue;
    const head = decodeRecord(JobHead, body, key);
    const earlier = history.ledger.writes.slice(0, index);
    if (before !== undefined && before.stage.kind === head.stage.kind && before.stage.round === head.stage.round) {
      for (let partition = 0; partition < spec.partitions; partition += 1) {
        const message = wrongStep({
          before,
          head,
          partition,
          earlier,
          history,
          timeout: plan.limits.heartbeatTimeoutSeconds,
        });
        if (message !== undefined) found.push({ rule: "attempts-have-a-cause", message });
      }
    }
    before = head;
  }
  return found;
}

interface Step {
  readonly before: JobHead;
  readonly head: JobHead;
  readonly partition: number;
  readonly earlier: readonly StoredWrite[];
  readonly history: History;
  /** Seconds of silence. */
  readonly timeout: number;
}

function wrongStep(step: Step): string | undefined {
  const { before, head, partition, history } = step;
  const more = (list: "attempts" | "failures"): number =>
    (head.tasks[list][partition] ?? 0) - (before.tasks[list][partition] ?? 0);
  const [attempts, failures] = [more("attempts"), more("failures")];
  if (attempts === 0 && failures === 0) return undefined;
  const attempt = before.tasks.attempts[partition] ?? 1;
  const name = `attempt ${attempt} of ${head.stage.kind} ${head.stage.round} p${partition}`;
  if (attempts !== 1 || failures > 1) return `${name}: ${attempts} attempts and ${failures} failures more at once`;
  if (failures === 1) return hasFailed(step, attempt) ? undefined : `${name} counts as failed, and nothing says so`;
  const advanced = hasAdvanced(step.earlier, before, partition);
  if (advanced === true) return undefined;
  const isBackup = head.backups.includes(partition) && !before.backups.includes(partition);
  if (isBackup || history.scenario.crashesAfterMs.length > 0) return undefined;
  return advanced === undefined ? `${name} was given up without a reason` : `${name} is continued without progress`;
}

function hasFailed({ before, head, partition, earlier, history, timeout }: Step, attempt: number): boolean {
  const { job, stage } = head;
  const at = head.tasks.startedAt[partition] ?? 0;
  const damage = keys.damage(job, stage, partition, attempt, "").slice(0, -".json".length);
  if (earlier.some(({ key }) => key.startsWith(damage))) return true;
  const failure = keys.failure(job, stage, partition, attempt);
  if (earlier.some(({ key }) => key === failure)) {
    // One that is to be continued has not failed, but a driver may find that record damaged.
    if (hasAdvanced(earlier, before, partition) !== true || isDamageExplained(history, history.injected)) return true;
  }
  const isLate = at >= (before.tasks.deadlines[partition] ?? Infinity);
  const isSilent = isLate || at >= silentSince(earlier, head, partition, attempt) + timeout * 1000;
  return isSilent && isLatenessExplained(history, { job, stage, partition, attempt });
}

/** A sign of life of an attempt, the first one: the driver may have read that before there was another. Never, where it gave none. */
function silentSince(
  writes: readonly StoredWrite[],
  { job, stage }: JobHead,
  partition: number,
  attempt: number,
): number {
  const prefix = keys.progress(job, stage, partition, "").slice(0, -".json".length);
  const signs = writes.flatMap(({ key, body }) => {
    if (!key.startsWith(prefix)) return [];
    const record = decodeRecord(ProgressRecord, body, key);
    return record.attempt === attempt ? [record.at] : [];
  });
  return signs.length === 0 ? Infinity : Math.min(...signs);
}
