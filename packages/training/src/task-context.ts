import { keys, type JobSpec, type TaskMessage } from "@stampede/core";
import type { ExecutorDeps } from "./deps.js";
import { exists } from "./job-store.js";
import type { Residents } from "./residents.js";

/** What the three kinds of task work with. */
export interface TaskContext {
  readonly task: TaskMessage;
  readonly spec: JobSpec;
  readonly deps: ExecutorDeps;
  readonly residents: Residents;
}

/** Thrown through a task whose job has ended meanwhile: nobody waits for its output any more. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** How long one piece of work may take before progress is told and the job is looked at. */
const pieceMs = 250;
/** How often a busy executor asks whether its job was cancelled: one small request. */
const stopCheckMs = 2_000;

/**
 * Walks through `count` units of work (batches, rows) in pieces of about a quarter of a second, so that a long task tells its
 * progress and notices that its job has ended. How the work is cut depends on the clock and MUST not change its result.
 */
export async function inPieces(
  { task, deps }: TaskContext,
  count: number,
  unit: { readonly first: number; readonly multipleOf: number },
  work: (from: number, to: number) => Promise<void>,
): Promise<void> {
  const { clock, store } = deps;
  let size = unit.first;
  let checkedAt = clock.now();
  for (let from = 0; from < count;) {
    const to = Math.min(count, from + size);
    const began = clock.now();
    await work(from, to);
    const ended = clock.now();
    size = nextSize(size, ended - began, unit.multipleOf);
    from = to;
    if (ended - checkedAt < stopCheckMs || from >= count) continue;
    checkedAt = ended;
    const { job } = task;
    if ((await exists(store, keys.cancel(job))) || (await exists(store, keys.result(job)))) {
      throw new Abandoned(`job ${job} has ended`);
    }
  }
}

/** Grows at most fourfold at a time, so that one lucky timing does not lead to a long silence. */
function nextSize(size: number, tookMs: number, multipleOf: number): number {
  const wanted = tookMs <= 0 ? size * 4 : Math.min(size * 4, (size * pieceMs) / tookMs);
  return Math.max(multipleOf, Math.round(wanted / multipleOf) * multipleOf);
}
