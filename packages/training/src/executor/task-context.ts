import { keys, type JobSpec, type TaskMessage } from "@stampede/core";
import type { ExecutorDeps } from "../deps.js";
import { Abandoned, OutOfTime } from "./endings.js";
import type { Heartbeat } from "./heartbeat.js";
import { exists } from "../store/records.js";
import type { ExistingOutput } from "./output.js";
import type { Pace, Residents } from "./residents.js";
import type { TimeLimit } from "./time-limit.js";

/** What the three kinds of task work with. */
export interface TaskContext {
  readonly task: TaskMessage;
  readonly spec: JobSpec;
  readonly existing: ExistingOutput;
  readonly heartbeat: Heartbeat;
  readonly limit: TimeLimit;
  /** When the attempt asked last whether it is still needed, or began to work. */
  readonly asked: { at: number | undefined };
  readonly deps: ExecutorDeps;
  readonly residents: Residents;
}

/** How long one piece of work may take before progress is told and the job is looked at. */
const pieceMs = 250;
/** How often a busy executor asks whether it is still needed, where its composition root does not say. */
const defaultStopCheckMs = 2_000;

/** What is counted, and in which portions it may be cut. */
interface Unit {
  readonly of: keyof Pace;
  readonly multipleOf: number;
  /** Of those that are to be done, so many are done already. @default 0 */
  readonly from?: number;
  /** Done after each piece. */
  readonly between?: () => Promise<void>;
}

/**
 * Walks through `count` units of work (batches, rows) in pieces of about a quarter of a second, so that a long task tells its
 * progress and notices that its job has ended. The first piece of a job is as small as it can be; later ones, also those of its
 * other tasks, are as large as the ones before have shown. How the work is cut depends on the clock and MUST not change its result.
 *
 * @throws OutOfTime before a piece that, as far as the ones before tell, would not end in time
 * @throws Abandoned
 */
export async function inPieces(
  context: TaskContext,
  count: number,
  { of, multipleOf, from: done = 0, between }: Unit,
  work: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const { task, heartbeat, limit } = context;
  const { clock } = context.deps;
  const { pace } = context.residents;
  for (let from = done; from < count;) {
    await askNowAndThen(context);
    const size = task.frugal ? multipleOf : Math.max(multipleOf, pace[of]);
    const expectedMs = Math.max(heartbeat.longestPieceMs, size > multipleOf ? pieceMs : 0);
    if (!limit.hasTimeFor(expectedMs)) throw new OutOfTime(from, count, of);
    const to = Math.min(count, from + size);
    const began = clock.now();
    await work(from, to);
    const ended = clock.now();
    pace[of] = nextSize(to - from, ended - began, multipleOf, pace[of]);
    from = to;
    await heartbeat.beat(ended - began);
    await between?.();
  }
}

/** @throws Abandoned */
async function askNowAndThen(context: TaskContext): Promise<void> {
  const { asked, deps } = context;
  const { clock, stopCheckMs = defaultStopCheckMs } = deps;
  const now = clock.now();
  asked.at ??= now;
  if (now - asked.at < stopCheckMs) return;
  asked.at = now;
  await refuseIfUseless(context);
}

/** @throws Abandoned */
async function refuseIfUseless({ task, spec, existing, deps: { store } }: TaskContext): Promise<void> {
  const { job, stage, partition } = task;
  if ((await exists(store, keys.cancel(job))) || (await exists(store, keys.result(job)))) {
    throw new Abandoned(`job ${job} has ended`);
  }
  const output = await store.head(keys.output(job, stage, partition));
  const isMended = existing.state !== "damaged" || output?.etag !== existing.etag;
  if (output !== undefined && isMended) throw new Abandoned("another attempt was first");
  const { quorum, lateDeltas } = spec.training;
  const mayBeLate = stage.kind === "train" && quorum < 1 && lateDeltas === "discard";
  if (mayBeLate && (await exists(store, keys.weights(job, stage.round)))) {
    throw new Abandoned(`round ${stage.round} has ended without partition ${partition}`);
  }
}

/**
 * Grows at most fourfold at a time, so that one lucky timing does not lead to a long silence. A piece that was cut short by the end
 * of the work says nothing about larger ones.
 */
function nextSize(done: number, tookMs: number, multipleOf: number, size: number): number {
  const wanted = tookMs <= 0 ? done * 4 : Math.min(done * 4, (done * pieceMs) / tookMs);
  const next = Math.max(multipleOf, Math.round(wanted / multipleOf) * multipleOf);
  return done < size ? Math.max(size, next) : next;
}
