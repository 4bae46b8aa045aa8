import type { DatasetId, JobId } from "./ids.js";
import type { GraphRequest } from "./ports/engine.js";
import type { GraphName } from "./schema/model.js";
import type { Stage } from "./schema/stage.js";

/** The only place that builds object keys. Ids arrive validated (branded types). */
const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");
const jobFolder = (job: JobId): string => `jobs/${job}/`;
const roundFolder = (job: JobId, round: number): string => `${jobFolder(job)}rounds/${pad(round, 6)}/`;

const outputFolders = { train: "deltas", evaluate: "evaluations", predict: "predictions" } as const;
const outputEndings = { train: "safetensors", evaluate: "json", predict: "arrow" } as const;

export const keys = {
  /** Every job's folder begins with this. */
  jobs: "jobs/",
  spec: (job: JobId): string => `${jobFolder(job)}spec.json`,
  head: (job: JobId): string => `${jobFolder(job)}head.json`,
  cancel: (job: JobId): string => `${jobFolder(job)}cancel.json`,
  result: (job: JobId): string => `${jobFolder(job)}result.json`,
  /** @param name validated by `GraphName` */
  graph: (job: JobId, name: GraphName): string => `${jobFolder(job)}graph/${name}.onnx`,
  /** Round 0 holds the initial weights; round r >= 1 those after r rounds. */
  weights: (job: JobId, round: number): string => `${roundFolder(job, round)}weights.safetensors`,
  /** Where the tasks of a stage commit their outputs, one object a partition. */
  outputs: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}${outputFolders[stage.kind]}/`,
  output: (job: JobId, stage: Stage, partition: number): string =>
    `${keys.outputs(job, stage)}${pad(partition, 5)}.${outputEndings[stage.kind]}`,
  failures: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}failures/${stage.kind}/`,
  failure: (job: JobId, stage: Stage, partition: number, attempt: number): string =>
    `${keys.failures(job, stage)}${pad(partition, 5)}-${pad(attempt, 3)}.json`,
  /** @param plan SHA-256, in hex, of what the graphs follow from */
  compiled: (plan: string): string => `graphs/${plan}.safetensors`,
  manifest: (dataset: DatasetId): string => `datasets/${dataset}/manifest.json`,
  part: (dataset: DatasetId, partition: number): string => `datasets/${dataset}/part-${pad(partition, 5)}.arrow`,
} as const;

/** The name under which a job stores the graph that a session asks for. */
export function graphNameOf(request: GraphRequest): GraphName {
  return request.kind === "train" ? `train-${request.batchSize}` : request.kind;
}

/** The partition an output's key belongs to, or undefined for a key that is not an output of this stage. */
export function partitionOfOutput(key: string, job: JobId, stage: Stage): number | undefined {
  const folder = keys.outputs(job, stage);
  if (!key.startsWith(folder)) return undefined;
  const match = /^(\d{5})\.(safetensors|json|arrow)$/.exec(key.slice(folder.length));
  return match?.[1] === undefined || match[2] !== outputEndings[stage.kind] ? undefined : Number(match[1]);
}

/** The job a key belongs to, as text that still has to be validated. */
export function jobOfKey(key: string): string | undefined {
  return /^jobs\/([^/]+)\//.exec(key)?.[1];
}
