import {
  decodeTensorRecord,
  DeltaRecord,
  DriverMessage,
  encodeMessage,
  encodeTensorRecord,
  examplesOf,
  hashTensors,
  keys,
  mergeMetrics,
  RoundRecord,
  StampedeError,
  WeightedMean,
  type DeltaMessage,
  type JobId,
  type JobSpec,
  type NamedTensors,
} from "@stampede/core";
import type { ParameterServerDeps } from "./deps.js";
import { failJob } from "./fail-job.js";
import { exists, listOutputs, missing, readWeights } from "./job-store.js";
import { rememberedWeights, rememberTold, rememberWeights, specOf, wasTold } from "./remembered.js";
import { joinTensors, splitTensors } from "./round-tensors.js";

/** Deltas that are read ahead while one is being added: memory stays at the model plus this many deltas. */
const readAhead = 2;

/**
 * The parameter server: for every round that the messages speak of, it lists the deltas once; when all are there it averages
 * them in the order of partitions and commits the next weights. Hints of executors that come when the driver has been told already
 * change nothing; one of the driver's own (which claims no delta) is always answered.
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
  if (present.size < spec.partitions) return;

  const mean = new WeightedMean(await weightsBefore(job, round, deps));
  const optimizer = new OptimizerMean(spec);
  const records: DeltaRecord[] = [];
  for await (const { record, tensors, key } of deltasInOrder(spec, round, deps)) {
    const delta = splitTensors(tensors);
    mean.add(delta.weights, record.examples, key);
    optimizer.add(delta.optimizer, record.examples, key);
    records.push(record);
  }
  const weights = mean.result();
  const record: RoundRecord = {
    version: 1,
    job,
    round,
    attemptId: unique.hex(16),
    committedAt: clock.now(),
    ...summaryOf(records),
    weightsSha256: hashTensors(weights),
  };
  const tensors = joinTensors({ weights, optimizer: optimizer.result() });
  // A conflict means that another parameter server was first, with the same deltas and so the same bits.
  await store.create(keys.weights(job, round), encodeTensorRecord(RoundRecord, record, tensors));
  rememberWeights(store, job, round, weights);
}

/** What the round began with: of the shape that every delta must have, and the result when nobody trained a row. */
async function weightsBefore(job: JobId, round: number, { store }: ParameterServerDeps): Promise<NamedTensors> {
  const known = rememberedWeights(store, job, round - 1);
  return known ?? splitTensors((await readWeights(store, job, round - 1)).tensors).weights;
}

/** The mean of the executors' optimizer states, where the job asks for it. */
class OptimizerMean {
  readonly #wanted: boolean;
  #mean: WeightedMean | undefined;

  constructor(spec: JobSpec) {
    this.#wanted = spec.training.optimizerState === "averaged";
  }

  add(state: NamedTensors, examples: number, key: string): void {
    // An executor without examples never made a step, so its optimizer has no slots yet.
    if (!this.#wanted || examples === 0) return;
    this.#mean ??= new WeightedMean(state);
    this.#mean.add(state, examples, key);
  }

  result(): NamedTensors {
    return this.#mean?.result() ?? new Map();
  }
}

interface ReadDelta {
  readonly key: string;
  readonly record: DeltaRecord;
  readonly tensors: NamedTensors;
}

async function* deltasInOrder(spec: JobSpec, round: number, deps: ParameterServerDeps): AsyncGenerator<ReadDelta> {
  const pending: Promise<ReadDelta>[] = [];
  for (let next = 0; next < spec.partitions || pending.length > 0;) {
    while (next < spec.partitions && pending.length < readAhead) {
      const reading = readDelta(spec, round, next, deps);
      // Rejections of what was read ahead are seen when its turn comes, or not at all after an earlier one.
      reading.catch(() => undefined);
      pending.push(reading);
      next += 1;
    }
    const first = pending.shift();
    if (first !== undefined) yield await first;
  }
}

async function readDelta(
  spec: JobSpec,
  round: number,
  partition: number,
  { store }: ParameterServerDeps,
): Promise<ReadDelta> {
  const { job } = spec;
  const key = keys.output(job, { kind: "train", round }, partition);
  const object = await store.get(key);
  if (object === undefined) throw missing(key);
  const { record, tensors } = decodeTensorRecord(DeltaRecord, object.body, key);
  const examples = examplesOf(spec, round, partition);
  const belongs = record.job === job && record.round === round && record.partition === partition;
  if (!belongs || record.examples !== examples) {
    const expected = `job ${job}, round ${round}, partition ${partition}, ${examples} examples`;
    const found = `job ${record.job}, round ${record.round}, partition ${record.partition}, ${record.examples} examples`;
    throw new StampedeError("store.corrupt", `Expected ${key} to be of ${expected}; found ${found}.`, {
      details: { key },
    });
  }
  return { key, record, tensors };
}

function summaryOf(records: readonly DeltaRecord[]): Pick<RoundRecord, "contributions" | "metrics" | "validation"> {
  const validations = records.flatMap(({ validation }) => (validation === undefined ? [] : [validation]));
  return {
    contributions: records.map(({ partition, attempt, attemptId, examples, computeMs, metrics }) => {
      return { partition, attempt, attemptId, examples, computeMs, metrics };
    }),
    metrics: mergeMetrics(records.map(({ metrics }) => metrics)),
    ...(validations.length > 0 && { validation: mergeMetrics(validations) }),
  };
}

async function hintDriver(job: JobId, { queues }: ParameterServerDeps): Promise<void> {
  await queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason: "round" }));
}
