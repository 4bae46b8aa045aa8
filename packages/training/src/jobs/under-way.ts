import type {
  FailureRecord,
  JobHead,
  JobSpec,
  ObjectStore,
  ProgressRecord,
  RetryRecord,
  RoundRecord,
  RunningTask,
  SignOfLife,
  UnderWay,
} from "@stampede/core";
import { readFailures, readProgress, readRetries } from "../store/attempt-store.js";
import { listOutputs, readRoundRecord } from "../store/round-store.js";

/** What is stored of the stage that a job is in. */
interface StageFacts {
  readonly head: JobHead;
  readonly done: ReadonlySet<number>;
  readonly progress: readonly ProgressRecord[];
  readonly failures: readonly FailureRecord[];
  readonly retries: readonly RetryRecord[];
  /** Of the round, where it is committed and the driver has not seen it yet. */
  readonly record: RoundRecord | undefined;
}

/**
 * What a job that has not ended is doing.
 * @param now milliseconds since the epoch
 */
export async function readUnderWay(
  store: ObjectStore,
  spec: JobSpec,
  head: JobHead | undefined,
  now: number,
): Promise<UnderWay> {
  if (head === undefined) {
    return { stage: undefined, done: 0, tasks: [], lastSign: newestOf([{ from: "client", at: spec.createdAt }], now) };
  }
  const { job } = spec;
  const { stage } = head;
  const [done, progress, failures, retries, record] = await Promise.all([
    listOutputs(store, job, stage),
    readProgress(store, job, stage),
    readFailures(store, job, stage),
    readRetries(store, job, stage),
    stage.kind === "train" ? readRoundRecord(store, job, stage.round) : undefined,
  ]);
  const facts: StageFacts = { head, done, progress, failures, retries, record };
  return { stage, done: done.size, tasks: tasksOf(facts, now), lastSign: newestOf(signsOf(facts), now) };
}

type Sign = Omit<SignOfLife, "agoMs">;

function newestOf([first, ...others]: readonly [Sign, ...Sign[]], now: number): SignOfLife {
  const newest = others.reduce((newer, sign) => (sign.at > newer.at ? sign : newer), first);
  return { ...newest, agoMs: Math.max(0, now - newest.at) };
}

function signsOf({ head, progress, failures, retries, record }: StageFacts): readonly [Sign, ...Sign[]] {
  const driver = [head.stageStartedAt, ...head.tasks.startedAt, ...retries.map(({ at }) => at)];
  const executors = [...progress.map(({ at }) => at), ...failures.map(({ failedAt }) => failedAt)];
  return [
    { from: "driver", at: latest(driver) },
    ...(executors.length === 0 ? [] : [{ from: "executor", at: latest(executors) } as const]),
    ...(record === undefined ? [] : [{ from: "parameter server", at: record.committedAt } as const]),
  ];
}

/** Not `Math.max(...)`: there may be more than fit a call. */
function latest(times: readonly number[]): number {
  return times.reduce((newest, at) => Math.max(newest, at), 0);
}

function tasksOf({ head, done, progress, retries }: StageFacts, now: number): readonly RunningTask[] {
  const signs = new Map<string, ProgressRecord>();
  for (const sign of progress) {
    const name = nameOf(sign);
    if (sign.at > (signs.get(name)?.at ?? -Infinity)) signs.set(name, sign);
  }
  const backups = new Set(retries.filter(({ why }) => why === "slow").map(nameOf));
  const { attempts, startedAt } = head.tasks;
  return attempts.flatMap((attempt, partition): RunningTask[] => {
    if (done.has(partition)) return [];
    const last = { partition, attempt };
    const sign = signOf(signs.get(nameOf(last)), now);
    const isBackup = backups.has(nameOf(last));
    const task = { ...last, isBackup, startedAt: startedAt[partition] ?? head.stageStartedAt, sign };
    const slow = { partition, attempt: attempt - 1 };
    const slowSign = signOf(signs.get(nameOf(slow)), now);
    if (!isBackup || slowSign === undefined) return [task];
    // When it was started the head does not say any more; its stage had begun.
    return [{ ...slow, isBackup: false, startedAt: head.stageStartedAt, sign: slowSign }, task];
  });
}

function nameOf({ partition, attempt }: { readonly partition: number; readonly attempt: number }): string {
  return `${partition}:${attempt}`;
}

function signOf(record: ProgressRecord | undefined, now: number): RunningTask["sign"] {
  if (record === undefined) return undefined;
  const { at, examples, totalExamples, memoryBytes } = record;
  return { at, agoMs: Math.max(0, now - at), examples, totalExamples, memoryBytes };
}
