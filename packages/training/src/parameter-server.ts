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
import type { ParameterServerDeps } from "./deps.js";
import { failJob } from "./fail-job.js";
import { exists, listOutputs, readWeights } from "./job-store.js";
import {
  rememberedWeights,
  rememberSum,
  rememberTold,
  rememberWeights,
  specOf,
  takeSum,
  wasTold,
} from "./remembered.js";
import { RoundSum } from "./round-sum.js";
import { joinTensors, splitTensors } from "./round-tensors.js";

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
    await failJob(job, error, deps);
    return true;
  }
  return exists(deps.store, keys.weights(job, round));
}

async function aggregateRound(job: JobId, round: number, deps: ParameterServerDeps): Promise<void> {
  const { store, unique, clock } = deps;
  if (await exists(store, keys.weights(job, round))) return;
  const spec = await specOf(store, job);
  const present = await listOutputs(store, job, { kind: "train", round });
  // Nobody else has it meanwhile, and after an error nobody finds it again.
  const begun = takeSum(store);
  const sum =
    begun?.isOf(spec, round) === true ? begun : new RoundSum(spec, round, await weightsBefore(job, round, deps));
  if (!(await sum.advance(present, store))) return rememberSum(store, sum);
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
  await store.create(
    keys.weights(job, round),
    encodeTensorRecord(RoundRecord, record, joinTensors({ weights, optimizer })),
  );
  rememberWeights(store, job, round, weights);
}

/** What the round began with. */
async function weightsBefore(job: JobId, round: number, { store }: ParameterServerDeps): Promise<NamedTensors> {
  const known = rememberedWeights(store, job, round - 1);
  return known ?? splitTensors((await readWeights(store, job, round - 1)).tensors).weights;
}

async function hintDriver(job: JobId, { queues }: ParameterServerDeps): Promise<void> {
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "round" }));
}
