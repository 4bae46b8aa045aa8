import {
  decodeTensorRecord,
  DeltaRecord,
  examplesOf,
  keys,
  mergeMetrics,
  StampedeError,
  WeightedMean,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type RoundRecord,
} from "@stampede/core";
import { missing } from "./job-store.js";
import { splitTensors, type RoundTensors } from "./round-tensors.js";

/** Deltas that are read ahead while one is being added: memory stays at the model plus this many deltas. */
const readAhead = 2;

/**
 * The mean of one round's deltas. It grows in the order of partitions, so that its bits do not depend on who came first, and as far
 * as the deltas are there, so that little is left to do when the last one comes. What was added is committed and does not change.
 */
export class RoundSum {
  readonly #spec: JobSpec;
  readonly #round: number;
  readonly #mean: WeightedMean;
  readonly #optimizer: OptimizerMean;
  /** Of the partitions that were added: the first ones. */
  readonly #records: DeltaRecord[] = [];

  /** @param before the weights that the round began with: of the shape that every delta must have */
  constructor(spec: JobSpec, round: number, before: NamedTensors) {
    this.#spec = spec;
    this.#round = round;
    this.#mean = new WeightedMean(before);
    this.#optimizer = new OptimizerMean(spec);
  }

  isOf({ job }: JobSpec, round: number): boolean {
    return this.#spec.job === job && this.#round === round;
  }

  /**
   * Adds the deltas that follow without a gap. After an error the sum MUST NOT be used any more.
   * @param present partitions whose delta is committed
   * @returns whether all are added
   * @throws StampedeError `store.*`, `training.*`
   */
  async advance(present: ReadonlySet<number>, store: ObjectStore): Promise<boolean> {
    const from = this.#records.length;
    let to = from;
    while (present.has(to)) to += 1;
    for await (const { record, tensors, key } of deltasInOrder(this.#spec, this.#round, { from, to }, store)) {
      const delta = splitTensors(tensors);
      this.#mean.add(delta.weights, record.examples, key);
      this.#optimizer.add(delta.optimizer, record.examples, key);
      this.#records.push(record);
    }
    return this.#records.length === this.#spec.partitions;
  }

  result(): RoundTensors & { readonly summary: Pick<RoundRecord, "contributions" | "metrics" | "validation"> } {
    const weights = this.#mean.result();
    return { weights, optimizer: this.#optimizer.result(), summary: summaryOf(this.#records) };
  }
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

async function* deltasInOrder(
  spec: JobSpec,
  round: number,
  { from, to }: { readonly from: number; readonly to: number },
  store: ObjectStore,
): AsyncGenerator<ReadDelta> {
  const pending: Promise<ReadDelta>[] = [];
  for (let next = from; next < to || pending.length > 0;) {
    while (next < to && pending.length < readAhead) {
      const reading = readDelta(spec, round, next, store);
      // Rejections of what was read ahead are seen when its turn comes, or not at all after an earlier one.
      reading.catch(() => undefined);
      pending.push(reading);
      next += 1;
    }
    const first = pending.shift();
    if (first !== undefined) yield await first;
  }
}

async function readDelta(spec: JobSpec, round: number, partition: number, store: ObjectStore): Promise<ReadDelta> {
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
