import {
  readShardingKey,
  shardStepName,
  type JobId,
  type ObjectInfo,
  type ShardingId,
  type ShardStep,
} from "@stampede/core";

/** What the names of a sharding's objects say. */
export interface ShardingState {
  readonly outcome: boolean;
  /** Names of the steps that are done. */
  readonly done: ReadonlySet<string>;
  /** When attempts were started, by step; in order. */
  readonly starts: ReadonlyMap<string, readonly Attempt[]>;
  /** Attempts that failed, by step. */
  readonly failures: ReadonlyMap<string, readonly number[]>;
  /** When the job began to wait, and the attempts that were made for others before; undefined if it does not wait. */
  readonly waiting: { readonly since: number; readonly attempts: number } | undefined;
}
interface Attempt {
  readonly attempt: number;
  readonly at: number;
}

/** Reads a listing of a sharding's folder. */
export function stateOf(objects: readonly ObjectInfo[], sharding: ShardingId, job: JobId): ShardingState {
  const done = new Set<string>();
  const starts = new Map<string, Attempt[]>();
  const failures = new Map<string, number[]>();
  let outcome = false;
  let waiting: ShardingState["waiting"];
  for (const { key, modifiedAt } of objects) {
    const said = readShardingKey(key, sharding);
    if (said?.kind === "outcome") outcome = true;
    else if (said?.kind === "fact") done.add(said.step);
    else if (said?.kind === "start") {
      starts.set(said.step, [...(starts.get(said.step) ?? []), { attempt: said.attempt, at: modifiedAt }]);
    } else if (said?.kind === "failure") failures.set(said.step, [...(failures.get(said.step) ?? []), said.attempt]);
    // Two at once: the listing is in order, and the lower number counts.
    else if (said?.kind === "waiting" && said.job === job) waiting ??= { since: modifiedAt, attempts: said.attempts };
  }
  return { outcome, done, starts, failures, waiting };
}

/** The most attempts that any step had. */
export function attemptsSoFar({ starts }: ShardingState): number {
  return Math.max(0, ...[...starts.values()].map((attempts) => attempts.at(-1)?.attempt ?? 0));
}

export interface AttemptRules {
  readonly now: number;
  /** An attempt that was started longer ago than this (a long one: three times as long), and has not been heard of, counts as lost. Milliseconds. */
  readonly patienceMs: number;
  /** Attempts of one step for one job. */
  readonly maxAttempts: number;
}

/** What is to be done about a step. */
export type Verdict =
  | { readonly kind: "start"; readonly step: ShardStep; readonly attempt: number }
  | { readonly kind: "under-way"; readonly step: ShardStep }
  /** Its last attempt failed, or was the last that it may have. */
  | { readonly kind: "failed"; readonly step: ShardStep; readonly attempt: number; readonly exhausted: boolean };

/** They may write a whole data set, or a partition as large as it may be, and take all the time that a function has. */
const longSteps: ReadonlySet<ShardStep["kind"]> = new Set<ShardStep["kind"]>(["plan", "parts"]);

/** What is to be done about each open step. Attempts before the job began to wait do not count against it. */
export function judgeSteps(
  open: readonly ShardStep[],
  { starts, failures, waiting }: ShardingState,
  { now, patienceMs, maxAttempts }: AttemptRules,
): readonly Verdict[] {
  const before = waiting?.attempts ?? 0;
  return open.map((step): Verdict => {
    const name = shardStepName(step);
    const last = starts.get(name)?.at(-1);
    if (last === undefined) return { kind: "start", step, attempt: before + 1 };
    const { attempt, at } = last;
    const next = { kind: "start", step, attempt: Math.max(attempt, before) + 1 } as const;
    const failed = failures.get(name)?.includes(attempt) ?? false;
    if (!failed && now - at < patienceMs * (longSteps.has(step.kind) ? 3 : 1)) return { kind: "under-way", step };
    if (attempt <= before) return next;
    const exhausted = attempt >= before + maxAttempts;
    return failed || exhausted ? { kind: "failed", step, attempt, exhausted } : next;
  });
}
