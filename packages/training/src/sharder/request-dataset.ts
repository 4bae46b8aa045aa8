import { encodeRecord, keys, ShardingOutcome, ShardingRequest, type DatasetId, type JobId } from "@stampede/core";
import {
  describeSharding,
  findStored,
  markUse,
  outcomeOf,
  type Sharding,
  type ShardingWish,
  type ShardOutcome,
} from "@stampede/data";
import { createAny } from "../store/commit.js";
import { readRecord } from "../store/records.js";
import { attemptsSoFar, stateOf, type ShardingState } from "./attempts.js";
import type { ShardingDeps } from "./deps.js";
import { listSharding, lookAt } from "./look.js";

/**
 * Asks for a data set of files that functions can read. It returns at once: with the data set where it is there, else after it has had
 * started what is missing. Whoever waits asks again when it is told to (`SharderDeps.hint`), and every minute or so, which heals what a
 * lost invocation or a dead function has left.
 *
 * The data set is the one that `shardDataset` makes of the same bytes: same id, same partition files.
 *
 * @throws ShardingFailed when it cannot be made: `data.*`, `job-file.invalid`, `model.data-mismatch`, `job.failed`, ... ;
 *   StampedeError of input that is refused at once (`data.not-readable`, `job-file.invalid`, `option.invalid`), or of what may pass
 *   (`retryable`): it is to be asked for again then
 */
export async function requestDataset(
  job: JobId,
  wish: ShardingWish,
  deps: ShardingDeps,
): Promise<ShardOutcome | "under-way"> {
  const { store } = deps;
  const sharding = await describeSharding(wish, deps.files);
  const { id, request } = sharding;
  const state = stateOf(await listSharding(store, id), id, job);
  if (state.outcome) {
    const made = await findMade(sharding, job, state, deps);
    if (made !== undefined) return made;
    // Its partition files were removed since: it is made again.
    await store.delete(keys.shardOutcome(id));
  }
  await createAny(store, keys.shardRequest(id), encodeRecord(ShardingRequest, request));
  const waiting = state.waiting ?? { since: deps.clock.now(), attempts: attemptsSoFar(state) };
  if (state.waiting === undefined) {
    await createAny(store, keys.shardWaiting(id, job, waiting.attempts), new Uint8Array());
  }
  await lookAt(sharding, job, deps, { ...state, outcome: false, waiting });
  return "under-way";
}

async function findMade(
  { id }: Sharding,
  job: JobId,
  { waiting }: ShardingState,
  { store, clock }: ShardingDeps,
): Promise<ShardOutcome | undefined> {
  const outcome = await readRecord(store, ShardingOutcome, keys.shardOutcome(id));
  if (outcome === undefined) return undefined;
  const ids: { train: DatasetId; validation: DatasetId | undefined } = { validation: undefined, ...outcome };
  // Before the look, so that no garbage collection takes away what this call answers with.
  await markUse(ids, { store, job });
  const stored = await findStored(ids, { store });
  if (stored === undefined) return undefined;
  const ms = waiting === undefined ? 0 : Math.max(0, clock.now() - waiting.since);
  return outcomeOf(stored, waiting === undefined, ms);
}
