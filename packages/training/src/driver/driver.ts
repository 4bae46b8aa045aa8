import {
  decide,
  kernelsOf,
  keys,
  needsProgress,
  objectHashOf,
  StampedeError,
  type Decision,
  type DriverMessage,
  type FailureRecord,
  type JobFacts,
  type JobHead,
  type JobId,
  type JobSpec,
  type ObjectStore,
  type RoundRecord,
  type Wake,
} from "@stampede/core";
import { announcementOf } from "./announce.js";
import { carryOutAll } from "./carry-out.js";
import type { DriverDeps } from "../deps.js";
import { failJob } from "./fail-job.js";
import { isToBePrepared, prepareFirst } from "./prepare-first.js";
import { commitDamage, commitFailure, readEndings, readFailures, readProgress } from "../store/attempt-store.js";
import { commitHead, readHead } from "../store/job-store.js";
import { exists } from "../store/records.js";
import { listOutputs, readClose, readRoundRecord } from "../store/round-store.js";
import { specOf } from "../remembered.js";

/** How often one wake-up reads the facts anew because another driver committed the head first. */
const maxConflicts = 20;

export type DriverOutcome = "running" | "ended";

/** How the message came. */
export interface Delivery {
  /** It was delivered before: whoever handled it then may have died in the middle. */
  readonly redelivered: boolean;
}

/**
 * The driver: whatever wakes it, it reads the job's facts, decides, commits the decision and carries it out. Any number may
 * look at one job at once; the compare-and-swap of the head lets one of them act. One that dies after that leaves its message
 * undeleted: the next delivery sets its timer and starts its tasks again, where they show no sign of life.
 *
 * @throws StampedeError `job.not-found`, `store.*`
 */
export async function handleDriverMessage(
  message: DriverMessage,
  deps: DriverDeps,
  { redelivered }: Delivery = { redelivered: false },
): Promise<DriverOutcome> {
  switch (message.type) {
    case "look":
      return lookOrFail(message.job, { redelivered, firedTimer: message.timerAt }, deps);
    case "prepare":
      return prepareFirst(message.job, deps);
    case "resumed":
      return lookOrFail(message.job, { redelivered, goneWith: message.head }, deps);
    case "invocation-failed":
      await recordFailedInvocation(message, deps);
      return lookOrFail(message.task.job, { redelivered }, deps);
    case "output-damaged":
      return lookOrFail(message.job, { redelivered, damaged: message }, deps);
    default:
      return message satisfies never;
  }
}

/** What the message says beyond "look". */
interface Hint {
  readonly redelivered: boolean;
  readonly firedTimer?: number | undefined;
  /** Executors of the head with this token, and of those before it, are gone. */
  readonly goneWith?: string;
  readonly damaged?: Extract<DriverMessage, { type: "output-damaged" }>;
}

async function lookOrFail(job: JobId, hint: Hint, deps: DriverDeps): Promise<DriverOutcome> {
  try {
    return await look(job, hint, deps);
  } catch (error) {
    if (await isToBePrepared(job, error, deps)) return prepareFirst(job, deps);
    await failJob(job, error, deps);
    return "ended";
  }
}

async function look(job: JobId, hint: Hint, deps: DriverDeps): Promise<DriverOutcome> {
  const { store, clock, unique, events } = deps;
  const spec = await specOf(store, job);
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const read = await readHead(store, job);
    if (hint.damaged !== undefined) await recordDamage(hint.damaged, read?.head, deps);
    const { facts, record } = await readFacts(spec, read?.head, hint, deps);
    const now = clock.now();
    const decision = decide(facts, now);
    if (decision.head !== undefined) {
      const outcome = await commitHead(store, job, decision.head, read, unique);
      if (outcome === "conflict") continue;
    }
    for (const event of announcementOf(spec, read?.head, decision, record, now)) events.emit(event);
    await carryOutAll(spec, decision.actions, deps);
    return facts.ended || endsJob(decision) ? "ended" : "running";
  }
  throw new StampedeError("store.conflict", `Another driver changed job ${job} ${maxConflicts} times in a row.`, {
    details: { job },
  });
}

function endsJob({ actions }: Decision): boolean {
  return actions.some(({ type }) => type === "end");
}

interface ReadFacts {
  readonly facts: JobFacts;
  /** Of the head's round, once it is committed. */
  readonly record: RoundRecord | undefined;
}

async function readFacts(
  spec: JobSpec,
  head: JobHead | undefined,
  hint: Hint,
  { store, clock }: DriverDeps,
): Promise<ReadFacts> {
  const { job } = spec;
  const [ended, cancelRequested] = await Promise.all([
    exists(store, keys.result(job)),
    exists(store, keys.cancel(job)),
  ]);
  const wake: Wake = {
    redelivered: hint.redelivered,
    firedTimer: hint.firedTimer,
    executorsGone: head !== undefined && head.token === hint.goneWith,
  };
  const none = { weightsCommitted: false, closed: undefined, outputs: new Set<number>(), failures: [], progress: [] };
  const known: JobFacts = { ...none, durations: [], blocks: [], spec, head, ended, cancelRequested, wake };
  if (ended || head === undefined) return { facts: known, record: undefined };
  const { stage, stageStartedAt } = head;
  const record = stage.kind === "train" ? await readRoundRecord(store, job, stage.round) : undefined;
  if (record !== undefined) {
    const durations = record.contributions.flatMap(({ tookMs }) => (tookMs === undefined ? [] : [tookMs]));
    return { facts: { ...known, weightsCommitted: true, durations, blocks: kernelsOf(record.contributions) }, record };
  }
  const mayClose = stage.kind === "train" && spec.training.quorum < 1;
  const [outputs, failures, progress, close] = await Promise.all([
    listOutputs(store, job, stage),
    readEndings(store, job, stage),
    needsProgress(spec, stageStartedAt, wake, clock.now()) ? readProgress(store, job, stage) : [],
    mayClose ? readClose(store, job, stage.round) : undefined,
  ]);
  const whole = await withoutDamaged(outputs, failures, store);
  return { facts: { ...known, outputs: whole, failures, progress, closed: close?.partitions }, record: undefined };
}

/** Outputs but for those that were found damaged and not replaced since. */
async function withoutDamaged(
  outputs: ReadonlySet<number>,
  failures: readonly FailureRecord[],
  store: ObjectStore,
): Promise<ReadonlySet<number>> {
  const whole = new Set(outputs);
  for (const { job, stage, partition, damagedObject } of failures) {
    if (damagedObject === undefined || !whole.has(partition)) continue;
    const found = await store.head(keys.output(job, stage, partition));
    if (found === undefined || objectHashOf(found.etag) === damagedObject) whole.delete(partition);
  }
  return whole;
}

async function recordFailedInvocation(
  { task, error }: Extract<DriverMessage, { type: "invocation-failed" }>,
  { store, clock, events }: DriverDeps,
): Promise<void> {
  const { job, stage, partition, attempt } = task;
  await commitFailure(store, { version: 1, job, stage, partition, attempt, failedAt: clock.now(), error });
  const { code, message } = error;
  events.emit({ event: "task.failed", job, stage, partition, attempt, code, message });
}

/** A damaged output makes its task's last attempt a failed one, once; one that was replaced since is none of that. */
async function recordDamage(
  { job, stage, partition, etag, message }: Extract<DriverMessage, { type: "output-damaged" }>,
  head: JobHead | undefined,
  { store, clock, events }: DriverDeps,
): Promise<void> {
  const attempt = head?.tasks.attempts[partition];
  if (head?.stage.kind !== stage.kind || head.stage.round !== stage.round || attempt === undefined) return;
  if ((await store.head(keys.output(job, stage, partition)))?.etag !== etag) return;
  const damagedObject = objectHashOf(etag);
  const known = await readFailures(store, job, stage);
  if (known.some((failure) => failure.partition === partition && failure.damagedObject === damagedObject)) return;
  const error = { code: "task.output-damaged", message, retryable: true } as const;
  const failed = { version: 1, job, stage, partition, attempt, failedAt: clock.now(), error } as const;
  await commitDamage(store, { ...failed, damagedObject });
  events.emit({ event: "task.failed", job, stage, partition, attempt, code: error.code, message });
}
