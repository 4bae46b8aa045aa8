import type { JobEvent, JobId, TrainingSettings } from "@stampede/core";
import type { ShardedSet, ShardOutcome, ShardRequest } from "@stampede/data";
import type { TrainingData } from "../training-data.js";

/** The data of a training job, in the store. */
export interface TrainingSets {
  readonly train: ShardedSet;
  readonly validation: ShardedSet | undefined;
}

/** What is to be made of a data set. */
export type DatasetWish<Dataset> = Omit<ShardRequest, "dataset"> & { readonly dataset: Dataset };

interface SetsDeps<Dataset, Pending extends string> {
  /** Where relative paths start. */
  readonly baseFolder: string;
  /** Brings a data set into the store, or says that others are still at it. */
  readonly request: (wish: DatasetWish<Dataset>) => Promise<ShardOutcome | Pending>;
  /** Hears of each set as soon as it is there. */
  readonly onSet?: (name: "train" | "validation", set: ShardedSet) => void;
}

/**
 * The training data in as many partitions as there are executors, and the validation data if there is any, which is prepared as the
 * training data was.
 *
 * @returns what `request` answers instead of a data set, as soon as it does
 * @throws StampedeError what `request` throws
 */
export async function trainingSets<Dataset, Pending extends string>(
  { train, validation, validationSplit }: TrainingData<Dataset>,
  { executors: partitions, seed }: Pick<TrainingSettings, "executors" | "seed">,
  { baseFolder, request, onSet }: SetsDeps<Dataset, Pending>,
): Promise<TrainingSets | Pending> {
  const split = validationSplit === undefined ? {} : { validationSplit };
  const sharded = await request({ dataset: train, baseFolder, partitions, order: "shuffled", seed, ...split });
  if (isPending(sharded)) return sharded;
  onSet?.("train", sharded.train);
  const held = validation === undefined ? sharded.validation : await requestValidation(validation, sharded.train);
  if (typeof held === "string") return held;
  if (held !== undefined) onSet?.("validation", held);
  return { train: sharded.train, validation: held };

  async function requestValidation(dataset: Dataset, { manifest }: ShardedSet): Promise<ShardedSet | Pending> {
    const like = { preprocessing: manifest.fields, emptyPartitions: "allow" } as const;
    const answer = await request({ dataset, baseFolder, partitions, order: "kept", ...like });
    return isPending(answer) ? answer : answer.train;
  }
}

function isPending<Pending extends string>(answer: ShardOutcome | Pending): answer is Pending {
  return typeof answer === "string";
}

type DataReady = Extract<JobEvent, { event: "data.ready" }>;

/** Tells of a data set that is there. */
export function dataReady(
  job: JobId,
  set: DataReady["set"],
  { id, manifest, reused, ms, bytes }: ShardedSet,
): DataReady {
  const partitions = manifest.parts.length;
  return { event: "data.ready", job, set, dataset: id, rows: manifest.rows, partitions, bytes, reused, ms };
}

/** Of the largest partition: what one task reads. */
export function largestPartition(set: ShardedSet | undefined): number {
  return Math.max(0, ...(set?.manifest.parts ?? []).map(({ bytes }) => bytes));
}
