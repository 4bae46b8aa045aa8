import {
  encodeRecord,
  keys,
  ShardFailure,
  ShardingLayout,
  ShardingPlan,
  StampedeError,
  toErrorFacts,
  type JobId,
  type ObjectInfo,
  type ObjectStore,
  type ShardingId,
  type ShardStep,
  type ShardTask,
} from "@stampede/core";
import type { Sharding } from "@stampede/data";
import { inParallel } from "../in-parallel.js";
import { createAny, createOnce } from "../store/commit.js";
import { readRecord } from "../store/records.js";
import { judgeSteps, stateOf, type ShardingState, type Verdict } from "./attempts.js";
import type { ShardingDeps } from "./deps.js";
import { openSteps } from "./steps.js";

const defaultPatienceMs = 330_000;
const defaultMaxUnderWay = 64;
/** As many as a task of a job has by default. */
const maxAttempts = 4;
const startsAtOnce = 16;

/**
 * The data set cannot be made: its data is bad, or one of its steps failed as often as it may. The job ends with this; what else is
 * thrown by whoever looks may pass.
 */
export class ShardingFailed extends StampedeError {}

type Failed = Extract<Verdict, { kind: "failed" }>;
type Start = Extract<Verdict, { kind: "start" }>;

export async function listSharding(store: ObjectStore, id: ShardingId): Promise<readonly ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for await (const object of store.list(keys.sharding(id))) objects.push(object);
  return objects;
}

/**
 * Reads what is done, and starts what can be done next. Anybody may look at any time: who starts an attempt is settled by who creates
 * its mark.
 *
 * @returns whether the data set is made
 * @throws ShardingFailed what the job has to end with; StampedeError `store.*`
 */
export async function lookAt(
  sharding: Sharding,
  job: JobId,
  deps: ShardingDeps,
  known?: ShardingState,
): Promise<"made" | "under-way"> {
  const { store, clock, patienceMs = defaultPatienceMs, maxUnderWay = defaultMaxUnderWay } = deps;
  const { id, request } = sharding;
  const state = known ?? stateOf(await listSharding(store, id), id, job);
  if (state.outcome) return "made";
  const plan = await readRecord(store, ShardingPlan, keys.shardFact(id, { kind: "plan", index: 0 }));
  const layout =
    plan?.layout ?? (await readRecord(store, ShardingLayout, keys.shardFact(id, { kind: "layout", index: 0 })));
  const open = openSteps({ request, plan, layout, done: state.done });
  const verdicts = judgeSteps(open, state, { now: clock.now(), patienceMs, maxAttempts });
  const starts: Start[] = [];
  for (const verdict of verdicts) {
    if (verdict.kind === "start") starts.push(verdict);
    else if (verdict.kind === "failed") starts.push(...(await takeUp(verdict, open, sharding, store)));
  }
  const underWay = verdicts.filter(({ kind }) => kind === "under-way").length;
  const free = Math.max(0, maxUnderWay - underWay);
  await inParallel(starts.slice(0, free), startsAtOnce, (next) => startStep(next, id, job, deps));
  return "under-way";
}

/** Another attempt of a step that failed; none while the data of a step before may be bad too, for that is what has to be told. */
async function takeUp(
  { step, attempt, exhausted }: Failed,
  open: readonly ShardStep[],
  { id }: Sharding,
  store: ObjectStore,
): Promise<readonly Start[]> {
  const failure = await readRecord(store, ShardFailure, keys.shardFailure(id, step, attempt));
  const { error } = failure ?? {};
  if (!exhausted && (error === undefined || error.retryable)) return [{ kind: "start", step, attempt: attempt + 1 }];
  const isFirst = open.find(({ kind }) => kind === step.kind)?.index === step.index;
  if (!isFirst && step.kind !== "hash") return [];
  const details = { step: step.kind, index: step.index };
  if (error?.retryable === false) throw new ShardingFailed(error.code, error.message, { details });
  const reason = error?.message ?? "it ended without a word, as it does when its memory or its time are over.";
  const text = `Expected a sharder function to do step ${step.kind} ${step.index} of the data set; ${maxAttempts} attempts failed, the last one because: ${reason} The job ends as failed.`;
  throw new ShardingFailed("job.failed", text, { details });
}

async function startStep({ step, attempt }: Start, id: ShardingId, job: JobId, deps: ShardingDeps): Promise<void> {
  const { store, unique, start } = deps;
  const mark = new TextEncoder().encode(unique.hex(16));
  if ((await createOnce(store, keys.shardStart(id, step, attempt), mark)) === "conflict") return;
  const task: ShardTask = { version: 1, sharding: id, job, step, attempt };
  try {
    await start(task);
  } catch (error) {
    await commitShardFailure(store, task, error);
    // Otherwise whoever waits would look again in a minute, and then hear of it.
    const { code, message, retryable } = toErrorFacts(error);
    if (!retryable) throw new ShardingFailed(code, message, { details: { step: step.kind, index: step.index } });
  }
}

/** An attempt failed; what is missing in the store is made anew by the next one. */
export async function commitShardFailure(store: ObjectStore, task: ShardTask, error: unknown): Promise<void> {
  const { sharding, step, attempt } = task;
  const facts = toErrorFacts(error);
  const retryable = facts.retryable || facts.code === "store.missing";
  const record: ShardFailure = { version: 1, step, attempt, error: { ...facts, retryable } };
  await createAny(store, keys.shardFailure(sharding, step, attempt), encodeRecord(ShardFailure, record));
}
