import {
  DriverMessage,
  encodeMessage,
  encodeTensorRecord,
  hashTensors,
  keys,
  RoundRecord,
  type DeltaMessage,
  type JobId,
  type NamedTensors,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { createOnce } from "../store/commit.js";
import { failJob } from "../driver/fail-job.js";
import { exists } from "../store/records.js";
import { listOutputs, readWeights } from "../store/round-store.js";
import {
  rememberedWeights,
  rememberSum,
  rememberTold,
  rememberWeights,
  specOf,
  takeSum,
  wasTold,
} from "../remembered.js";
import { DamagedDelta } from "./read-delta.js";
import { planOf } from "./round-plan.js";
import { RoundSum } from "./round-sum.js";
import { joinTensors, splitTensors } from "../round-tensors.js";

/**
 * The parameter server: for every round that the messages speak of, it lists the deltas once and adds up, in the order of
 * partitions, what is there; when all are there it commits the next weights. Hints of executors that come when the driver has been
 * told already change nothing; one of the driver's own (which claims no delta) is always answered.
 *
 * @throws StampedeError `store.*`, whatever may pass at another attempt
 */
export async function handleDeltaMessages(messages: readonly DeltaMessage[], deps: ParameterServerDeps): Promise<void> {
  const news = messages.filter(({ job, round, claim }) => claim === undefined || !wasTold(deps.store, job, round));
  const rounds = new Map(news.map(({ job, round }) => [`${job}/${round}`, { job, round }]));
  for (const { job, round } of rounds.values()) {
    const settled = await aggregateOrFail(job, round, deps);
    if (!settled) continue;
    // Also when the weights were there before: the hint that told the driver may be the one that was lost.
    await hintDriver(job, deps);
    rememberTold(deps.store, job, round);
  }
}

/** Whether the driver has something to see: the round's weights, or the end of the job. */
async function aggregateOrFail(job: JobId, round: number, deps: ParameterServerDeps): Promise<boolean> {
  try {
    await aggregateRound(job, round, deps);
  } catch (error) {
    // Another parameter server was first, and `collectGarbage` may have taken the round's deltas away since: nothing is wrong then.
    if (await exists(deps.store, keys.weights(job, round))) return true;
    if (error instanceof DamagedDelta) await reportDamage(job, error, deps);
    else await failJob(job, error, deps);
    return !(error instanceof DamagedDelta);
  }
  return exists(deps.store, keys.weights(job, round));
}

async function aggregateRound(job: JobId, round: number, deps: ParameterServerDeps): Promise<void> {
  const { store, unique, clock } = deps;
  if (await exists(store, keys.weights(job, round))) return;
  const spec = await specOf(store, job);
  const [present, plan] = await Promise.all([
    listOutputs(store, job, { kind: "train", round }),
    planOf(spec, round, store),
  ]);
  // Nobody else has it meanwhile, and after an error nobody finds it again.
  const begun = takeSum(store);
  const sum =
    begun?.fits(spec, round, plan) === true ? begun : new RoundSum(spec, round, await weightsBefore(job, round, deps));
  if (!(await sum.advance(plan, present, store))) return rememberSum(store, sum);
  const { weights, optimizer, summary } = sum.result();
  const record: RoundRecord = {
    version: 1,
    job,
    round,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    ...summary,
    weightsSha256: hashTensors(weights),
  };
  // A conflict means that another parameter server was first, with the same deltas and so the same bits.
  const body = encodeTensorRecord(RoundRecord, record, joinTensors({ weights, optimizer }));
  const outcome = await createOnce(store, keys.weights(job, round), body);
  // The other one may have counted a late delta that this one had not seen.
  if (outcome === "created" || spec.training.quorum === 1) rememberWeights(store, job, round, weights);
}

/** The driver has the task done again. Nothing is averaged before. */
async function reportDamage(
  job: JobId,
  { round, partition, etag, message }: DamagedDelta,
  { queues }: ParameterServerDeps,
): Promise<void> {
  const stage = { kind: "train", round } as const;
  const damage = { version: 1, type: "output-damaged", job, stage, partition, etag, message } as const;
  await queues.driver.send(encodeMessage(DriverMessage, damage));
}

/** What the round began with. */
async function weightsBefore(job: JobId, round: number, { store }: ParameterServerDeps): Promise<NamedTensors> {
  const known = rememberedWeights(store, job, round - 1);
  return known ?? splitTensors((await readWeights(store, job, round - 1)).tensors).weights;
}

async function hintDriver(job: JobId, { queues }: ParameterServerDeps): Promise<void> {
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "round" }));
}
