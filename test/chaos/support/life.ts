import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  hashTensors,
  parseJobId,
  type JobId,
  type MetricStates,
  type ObjectStore,
  type RoundRecord,
} from "@stampede/core";
import { FolderObjectStore } from "@stampede/local";
import {
  listOutputs,
  readHistoryRecord,
  readResult,
  readRoundRecords,
  readSpec,
  readWeights,
  splitTensors,
} from "@stampede/training";
import { succeeded, type Ended, type Succeeded } from "../../e2e/support/cli.js";

/** What a job that has succeeded left behind, as far as every run of it must leave the same. */
export interface Life {
  /** Of the weights after each round. */
  readonly rounds: readonly (string | undefined)[];
  readonly metrics: MetricStates | undefined;
  readonly validation: MetricStates | undefined;
  /** The saved weights. */
  readonly weightsFile: string;
}

/**
 * Reads what a job left, whether all of it is still there or `jobs gc` has been at it.
 * @throws Error when the job did not succeed, when a partition did not count exactly once in a round, or when what is stored
 *   contradicts itself
 */
export async function lifeOf(home: string, ended: Ended): Promise<Life> {
  const last = succeeded(ended);
  const job = parseJobId(last.job);
  const store = FolderObjectStore.open(home);
  const { partitions } = await readSpec(store, job);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const history = await readHistoryRecord(store, job);
  const records = history?.rounds ?? (await readRoundRecords(store, job, upTo(last.rounds)));
  for (const record of records) {
    const counted = record.contributions.map(({ partition }) => partition);
    if (counted.join() !== all.join()) throw new Error(`in round ${record.round} counted ${counted.join()}`);
    if (history === undefined) await checkRound(store, job, record, all);
  }
  const result = await readResult(store, job);
  const rounds = records.map(({ weightsSha256 }) => weightsSha256);
  if (rounds.length !== last.rounds || rounds.at(-1) !== last.weightsSha256) {
    throw new Error(`the last event tells of ${last.rounds} rounds and ${last.weightsSha256}, the store of others`);
  }
  const { metrics, validation } = result ?? {};
  return { rounds, metrics, validation, weightsFile: await weightsFileOf(last) };
}

async function checkRound(
  store: ObjectStore,
  job: JobId,
  { round, weightsSha256 }: RoundRecord,
  partitions: readonly number[],
): Promise<void> {
  const { weights } = splitTensors((await readWeights(store, job, round)).tensors);
  if (hashTensors(weights) !== weightsSha256) throw new Error(`the record of round ${round} is of other weights`);
  const outputs = [...(await listOutputs(store, job, { kind: "train", round }))];
  if (outputs.join() !== partitions.join()) throw new Error(`round ${round} has the outputs ${outputs.join()}`);
}

/** The saved weights, in base64. */
export async function weightsFileOf({ modelPath = "" }: Succeeded): Promise<string> {
  return (await readFile(join(modelPath, "weights.bin"))).toString("base64");
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
