import type { JobDetails, Retry, RunningTask, UnderWay, UnreadableRecord } from "@stampede/client";
import type { ClusterName } from "../cluster.js";
import { retryReason } from "./plain.js";
import * as text from "./text.js";

/** Lines of one kind; the others are in `--json`. */
const shownLines = 12;
const shownTasks = 16;
/** Below this, silence says nothing; see `stampede jobs watch`. */
const leastSilenceMs = 30_000;

/** What an unfinished job is doing: its tasks and their signs of life, or that nothing is heard of it. */
export function underWayLines(
  { underWay, executors, rounds, limits }: JobDetails,
  cluster: ClusterName = "local",
): string[] {
  if (underWay === undefined) return [];
  const { stage, done, lastSign } = underWay;
  const patienceMs = Math.max(leastSilenceMs, limits.heartbeatTimeoutSeconds * 1000);
  const likely =
    cluster !== "local" ? "its functions do not run, or wait for their turn" : "what ran it is probably gone";
  const heard =
    lastSign.agoMs > patienceMs
      ? `not heard of for ${text.duration(lastSign.agoMs)} (last: ${lastSign.from}); ${likely}`
      : `last sign of life ${ago(lastSign.agoMs)} (${lastSign.from})`;
  if (stage === "preparation") return ["", `being prepared in the cloud, last sign of life ${ago(lastSign.agoMs)}`];
  if (stage === undefined) return ["", `not begun: ${heard}`];
  const where = stage.kind === "train" ? `train round ${stage.round}/${rounds}` : stage.kind;
  return ["", `${where}: ${done} of ${text.counted(executors, "task")} done, ${heard}`, ...taskTable(underWay)];
}

function taskTable({ tasks, lastSign }: UnderWay): string[] {
  if (tasks.length === 0) return [];
  const now = lastSign.at + lastSign.agoMs;
  const rows = tasks.slice(0, shownTasks).map((task) => taskRow(task, now));
  const heads = ["EXECUTOR", "ATTEMPT", "STARTED", "EXAMPLES", "LAST SIGN", "MEMORY"];
  return [...text.table([heads, ...rows]), ...andMore(tasks.length, shownTasks)];
}

function taskRow({ partition, attempt, isBackup, startedAt, sign }: RunningTask, now: number): string[] {
  const first = [String(partition), `${attempt}${isBackup ? " (backup)" : ""}`, ago(now - startedAt)];
  if (sign === undefined) return [...first, "", "none yet"];
  const { examples, totalExamples, agoMs, memoryBytes } = sign;
  const done = totalExamples === 0 ? text.count(examples) : `${text.count(examples)}/${text.count(totalExamples)}`;
  return [...first, done, ago(agoMs), memoryBytes === undefined ? "" : text.bytes(memoryBytes)];
}

/** Rounds that are not in the table. */
export function unreadableLines({ unreadable }: JobDetails): string[] {
  if (unreadable.length === 0) return [];
  return ["", ...unreadable.slice(0, shownLines).map(unreadableLine), ...andMore(unreadable.length, shownLines)];
}

function unreadableLine({ round, key, found }: UnreadableRecord): string {
  const whose = round === undefined ? "rounds: their record" : `round ${round}: its record`;
  return `${whose} is ${found} (${text.printable(key)})`;
}

export function retryLines({ retries }: JobDetails): string[] {
  if (retries.length === 0) return [];
  const backups = retries.filter(({ why }) => why === "slow").length;
  const continued = retries.filter(({ why }) => why === "continued").length;
  const again = retries.length - backups - continued;
  const counts = [
    ...(again === 0 ? [] : [text.counted(again, "task started again", "tasks started again")]),
    ...(backups === 0 ? [] : [text.counted(backups, "backup")]),
    ...(continued === 0 ? [] : [text.counted(continued, "task continued", "tasks continued")]),
  ];
  const lines = retries.slice(0, shownLines).map(retryLine);
  return ["", `${counts.join(", ")}:`, ...lines, ...andMore(retries.length, shownLines)];
}

function retryLine({ stage, partition, attempt, why, code }: Retry): string {
  const reason = `attempt ${attempt - 1} ${retryReason(why)}${code === undefined ? "" : ` (${code})`}`;
  return `  ${stage}, executor ${partition}, attempt ${attempt}${why === "slow" ? " as a backup" : ""}: ${reason}`;
}

/** The attempts of the task that the job failed of stand with that task. */
export function failureLines({ failures, deadTask }: JobDetails): string[] {
  const isDead = (stage: string, partition: number): boolean =>
    deadTask?.stage === stage && deadTask.partition === partition && deadTask.reasons.length > 0;
  const others = failures.filter(({ stage, partition }) => !isDead(stage, partition));
  if (others.length === 0) return [];
  const lines = others
    .slice(0, shownLines)
    .map(
      ({ stage, partition, attempt, code, message }) =>
        `  ${stage}, executor ${partition}, attempt ${attempt}: ${code}: ${text.printable(message)}`,
    );
  return ["", `${text.counted(others.length, "failed attempt")}:`, ...lines, ...andMore(others.length, shownLines)];
}

export function deadTaskLines({ deadTask }: JobDetails): string[] {
  if (deadTask === undefined) return [];
  const { stage, partition, attempts, reasons } = deadTask;
  const lines = reasons
    .slice(-shownLines)
    .map(({ attempt, code, message }) => `  attempt ${attempt}: ${code}: ${text.printable(message)}`);
  return ["", `failed of executor ${partition} in ${stage}, after ${text.counted(attempts, "attempt")}:`, ...lines];
}

function andMore(found: number, shown: number): string[] {
  return found <= shown ? [] : [`  ... and ${text.count(found - shown)} more: see --json`];
}

function ago(milliseconds: number): string {
  return `${text.duration(milliseconds)} ago`;
}
