import { JobSpec, parseJobId, TrainingSettings, type DatasetId } from "@stampede/core";
import { below, mix, pick, unit } from "./random.js";

/** What a job's bits follow from: two jobs of one shape end in the same weights. */
export interface JobShape {
  readonly kind: JobSpec["kind"];
  readonly partitionRows: readonly number[];
  readonly validationRows: readonly number[] | undefined;
  readonly epochs: number;
  readonly batchSize: number;
  readonly frequency: JobSpec["training"]["frequency"];
  readonly optimizerState: JobSpec["training"]["optimizerState"];
  readonly shuffle: boolean;
  readonly seed: number;
  /** How many times as long as the median a delta may be. */
  readonly clip: number | undefined;
}

/** What decides how a job is run, and changes no bit of its result. */
export interface JobLimits {
  readonly maxAttempts: number;
  readonly backups: boolean;
  readonly taskTimeoutSeconds: number;
  readonly heartbeatTimeoutSeconds: number;
  readonly jobTimeoutSeconds: number | undefined;
  readonly quorum: number;
  readonly graceSeconds: number;
  readonly lateDeltas: JobSpec["training"]["lateDeltas"];
  /** In how many slices and parts a round is averaged. */
  readonly slices: number;
  readonly parts: number;
  readonly checkpointSeconds: number;
}

/** A partition whose task fails in every attempt, from a round on. */
export interface Poison {
  readonly partition: number;
  readonly fromRound: number;
  readonly kind: "fails" | "out-of-memory" | "not-finite" | "dies-before";
}

/** How many shapes there are: few enough for their undisturbed results to be kept. */
export const shapeCount = 256;
/** Shapes that follow have more partitions than are added up as one group. These are trainings of one round: more takes too long. */
export const largeShapes = [261, 265] as const;
const many = 66;

const kinds = ["train", "train", "train", "train", "train", "train", "evaluate", "predict"] as const;
/** Lists to draw from: what is in one more often is drawn more often. Many small jobs find more than few large ones. */
const partitionCounts = [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5] as const;
const epochCounts = [1, 1, 1, 1, 2, 2, 2, 2, 3, 4] as const;
const rowCounts = [3, 3, 3, 5, 2, 1, 0, 8] as const;
const frequencies = ["epoch", "epoch", "fit", "batch", { steps: 2 }] as const;
const states = ["carried", "averaged", "reset"] as const;

/** One of the shapes; small ones are frequent. @param index below `shapeCount`, or one of `largeShapes` */
export function shapeOf(index: number): JobShape {
  const key = mix(0x5eed, index);
  const draw = (name: number): number => mix(key, name);
  const kind = pick(kinds, draw(1));
  const partitions = index < shapeCount ? pick(partitionCounts, draw(2)) : many;
  const rows = Array.from({ length: partitions }, (_, partition) => pick(rowCounts, mix(draw(3), partition)));
  const validates = kind === "train" && unit(draw(4)) < 0.25;
  const validationRows = Array.from({ length: partitions }, (_, p) => below(4, mix(draw(5), p)));
  const frequency = pick(frequencies, draw(6));
  return {
    kind,
    partitionRows: rows,
    validationRows: validates ? validationRows : undefined,
    epochs: frequency === "epoch" ? pick(epochCounts, draw(7)) : pick([1, 1, 1, 2], draw(7)),
    batchSize: pick([2, 4, 4], draw(8)),
    frequency,
    optimizerState: pick(states, draw(9)),
    shuffle: unit(draw(10)) < 0.8,
    seed: below(1000, draw(11)),
    clip: kind === "train" && unit(draw(12)) < 0.1 ? 1.01 : undefined,
  };
}

/** Where a job's data is. */
export interface JobData {
  readonly dataset: DatasetId;
  readonly validation: DatasetId | undefined;
}

/** @param createdAt milliseconds since the epoch */
export function specOf(
  job: string,
  shape: JobShape,
  limits: JobLimits,
  { dataset, validation }: JobData,
  createdAt: number,
): JobSpec {
  const { kind, partitionRows } = shape;
  return JobSpec.parse({
    version: 1,
    job: parseJobId(job),
    name: job,
    kind,
    createdAt,
    engine: "tfjs-cpu",
    model: {
      format: "tfjs-layers",
      topology: {},
      training: { optimizer_config: { class_name: "SGD", config: {} }, loss: "mean_squared_error" },
      inputs: [{ name: "input", shape: [2] }],
      outputs: [{ name: "output", shape: [1] }],
    },
    dataset,
    partitions: partitionRows.length,
    partitionRows,
    ...(validation && { validation }),
    training: settingsOf(shape, limits),
    ...(limits.parts > 1 && { slices: limits.slices, parts: limits.parts }),
  });
}

function settingsOf(shape: JobShape, limits: Partial<JobLimits>): TrainingSettings {
  const { partitionRows, epochs, batchSize, frequency, optimizerState, shuffle, seed, clip } = shape;
  const { jobTimeoutSeconds, slices: _slices, parts: _parts, ...others } = limits;
  const guard = clip === undefined ? {} : { deltaNorm: { clip } };
  const own = { epochs, batchSize, frequency, optimizerState, shuffle, seed, ...guard };
  const limit = jobTimeoutSeconds === undefined ? {} : { jobTimeoutSeconds };
  return TrainingSettings.parse({ executors: partitionRows.length, ...own, ...others, ...limit });
}

/** What the number of rounds follows from. */
export function planOf(shape: JobShape): Pick<JobSpec, "training" | "partitionRows"> {
  return { training: settingsOf(shape, {}), partitionRows: [...shape.partitionRows] };
}
