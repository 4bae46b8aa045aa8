import { sha256Hex } from "./codec/hash.js";
import type { ArtifactName, DatasetId, JobId, ShardingId, TokenId, UploadId, UploadName } from "./ids.js";
import type { GraphRequest } from "./ports/engine.js";
import type { GraphName } from "./schema/model.js";
import type { ShardStep } from "./schema/sharding.js";
import type { Stage } from "./schema/stage.js";

/** The only place that builds object keys. Ids arrive validated (branded types). */
const pad = (value: number, digits: number): string => String(value).padStart(digits, "0");
const jobFolder = (job: JobId): string => `jobs/${job}/`;
const shardingFolder = (sharding: ShardingId): string => `shardings/${sharding}/`;
const stepName = ({ kind, index }: ShardStep): string => `${kind}-${pad(index, 5)}`;
const roundFolder = (job: JobId, round: number): string => `${jobFolder(job)}rounds/${pad(round, 6)}/`;

const outputFolders = { train: "deltas", evaluate: "evaluations", predict: "predictions" } as const;
/** S3 answers so many requests a second below one prefix, and several deltas are read by hundreds of functions at the same time. */
const deltasPerFolder = 16;
const deltaFolder = ({ kind }: Stage, partition: number): string =>
  kind === "train" ? `${pad(Math.floor(partition / deltasPerFolder), 4)}/` : "";
const outputEndings = { train: "safetensors", evaluate: "json", predict: "arrow" } as const;

export const keys = {
  /** Every job's folder begins with this. */
  jobs: "jobs/",
  job: jobFolder,
  /** One empty object for each job that has not ended, so that those are found without a look at all others. */
  unfinished: "unfinished/",
  unfinishedJob: (job: JobId): string => `unfinished/${job}`,
  spec: (job: JobId): string => `${jobFolder(job)}spec.json`,
  /** What the cloud makes the spec of, where no client does. */
  request: (job: JobId): string => `${jobFolder(job)}request.json`,
  requestedWeights: (job: JobId): string => `${jobFolder(job)}request-weights.bin`,
  /** The requested model is known to be one that can be built. */
  modelChecked: (job: JobId): string => `${jobFolder(job)}preparation/model-checked`,
  /** One for each attempt to prepare the job that is under way, or ended without a word. */
  preparations: (job: JobId): string => `${jobFolder(job)}preparation/attempts/`,
  preparation: (job: JobId, attemptId: string): string => `${keys.preparations(job)}${attemptId}`,
  head: (job: JobId): string => `${jobFolder(job)}head.json`,
  cancel: (job: JobId): string => `${jobFolder(job)}cancel.json`,
  result: (job: JobId): string => `${jobFolder(job)}result.json`,
  deadLetter: (job: JobId): string => `${jobFolder(job)}dead-letter.json`,
  /** What `jobs gc` leaves of the rounds of an ended job. */
  history: (job: JobId): string => `${jobFolder(job)}history.json`,
  /** @param name validated by `GraphName` */
  graph: (job: JobId, name: GraphName): string => `${jobFolder(job)}graph/${name}.onnx`,
  /** Round 0 holds the initial weights; round r >= 1 those after r rounds. */
  weights: (job: JobId, round: number): string => `${roundFolder(job, round)}weights.safetensors`,
  /** Where the tasks of a stage commit their outputs, one object a partition. */
  outputs: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}${outputFolders[stage.kind]}/`,
  output: (job: JobId, stage: Stage, partition: number): string =>
    `${keys.outputs(job, stage)}${deltaFolder(stage, partition)}${pad(partition, 5)}.${outputEndings[stage.kind]}`,
  failures: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}failures/${stage.kind}/`,
  failure: (job: JobId, stage: Stage, partition: number, attempt: number): string =>
    `${keys.failures(job, stage)}${pad(partition, 5)}-${pad(attempt, 3)}.json`,
  damages: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}damages/${stage.kind}/`,
  /** @param objectHash `objectHashOf` the etag of what was found damaged: an attempt's output may be that twice, once for each object */
  damage: (job: JobId, stage: Stage, partition: number, attempt: number, objectHash: string): string =>
    `${keys.damages(job, stage)}${pad(partition, 5)}-${pad(attempt, 3)}-${objectHash}.json`,
  retries: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}retries/${stage.kind}/`,
  retry: (job: JobId, stage: Stage, partition: number, attempt: number): string =>
    `${keys.retries(job, stage)}${pad(partition, 5)}-${pad(attempt, 3)}.json`,
  progresses: (job: JobId, stage: Stage): string => `${roundFolder(job, stage.round)}progress/${stage.kind}/`,
  progress: (job: JobId, stage: Stage, partition: number, attemptId: string): string =>
    `${keys.progresses(job, stage)}${pad(partition, 5)}-${attemptId}.json`,
  /** Where train tasks keep work that is not finished. */
  checkpoints: (job: JobId, round: number): string => `${roundFolder(job, round)}checkpoints/`,
  /** All checkpoints of one partition begin with this. */
  partitionCheckpoints: (job: JobId, round: number, partition: number): string =>
    `${keys.checkpoints(job, round)}${pad(partition, 5)}-`,
  /** @param batches of the task that are done: a later checkpoint's key sorts behind an earlier one's */
  checkpoint: (job: JobId, round: number, partition: number, batches: number): string =>
    `${keys.partitionCheckpoints(job, round, partition)}${pad(batches, 15)}.safetensors`,
  /** What several functions make of a round's deltas on the way to its weights. */
  reduction: (job: JobId, round: number): string => `${roundFolder(job, round)}reduction/`,
  /** What the sums of a group are made of. */
  groupPlan: (job: JobId, round: number, group: number): string =>
    `${keys.reduction(job, round)}plans/${pad(group, 4)}.safetensors`,
  /** One part of a group's sum. A folder for each part: all of its groups are read at the same time. */
  sum: (job: JobId, round: number, part: number, group: number): string =>
    `${keys.reduction(job, round)}sums/${pad(part, 4)}/${pad(group, 4)}.safetensors`,
  averagedPart: (job: JobId, round: number, part: number): string =>
    `${keys.reduction(job, round)}parts/${pad(part, 4)}.safetensors`,
  /** The slices of a round's weights. */
  slices: (job: JobId, round: number): string => `${roundFolder(job, round)}slices/`,
  /** In a folder of its own, because all executors read it at the same time. */
  slice: (job: JobId, round: number, slice: number): string =>
    `${keys.slices(job, round)}${pad(slice, 5)}/slice.safetensors`,
  close: (job: JobId, round: number): string => `${roundFolder(job, round)}close.json`,
  /** All that belongs to one round. */
  round: roundFolder,
  rounds: (job: JobId): string => `${jobFolder(job)}rounds/`,
  /** Every compiled plan's key begins with this. */
  plans: "graphs/",
  /** @param plan SHA-256, in hex, of what the graphs follow from */
  compiled: (plan: string): string => `graphs/${plan}.safetensors`,
  /** Every data set's folder begins with this. */
  datasets: "datasets/",
  dataset: (dataset: DatasetId): string => `datasets/${dataset}/`,
  /** A job that is about to use the data set says so, before it is stored itself. */
  uses: (dataset: DatasetId): string => `datasets/${dataset}/uses/`,
  use: (dataset: DatasetId, job: JobId): string => `${keys.uses(dataset)}${job}`,
  manifest: (dataset: DatasetId): string => `datasets/${dataset}/manifest.json`,
  part: (dataset: DatasetId, partition: number): string => `datasets/${dataset}/part-${pad(partition, 5)}.arrow`,
  artifact: (job: JobId, name: ArtifactName): string => `${jobFolder(job)}artifacts/${name}`,
  /** What is known of the HTTP API's bearer tokens: their hashes, never themselves. */
  tokens: "tokens/",
  token: (token: TokenId): string => `tokens/${token}.json`,
  /** Every record of a request that may be repeated begins with this. */
  requests: "requests/",
  /** @param request SHA-256, in hex, of who asked and of the key that was given */
  requested: (request: string): string => `requests/${request}.json`,
  /** Files that users have uploaded. */
  uploads: "uploads/",
  upload: (upload: UploadId, name: UploadName): string => `uploads/${upload}/${name}`,
  /** Every sharding's folder begins with this. */
  shardings: "shardings/",
  sharding: shardingFolder,
  shardRequest: (sharding: ShardingId): string => `${shardingFolder(sharding)}request.json`,
  shardOutcome: (sharding: ShardingId): string => `${shardingFolder(sharding)}outcome.json`,
  /** What a step has found: it is done when this is there. */
  shardFact: (sharding: ShardingId, step: ShardStep): string =>
    `${shardingFolder(sharding)}steps/${stepName(step)}.json`,
  /** Rows on their way into partitions. @param run the index of the step that read them */
  shardSpool: (sharding: ShardingId, run: number): string => `${shardingFolder(sharding)}spools/${pad(run, 5)}`,
  /** Whoever creates this starts the attempt. */
  shardStart: (sharding: ShardingId, step: ShardStep, attempt: number): string =>
    `${shardingFolder(sharding)}starts/${stepName(step)}-${pad(attempt, 3)}`,
  shardFailure: (sharding: ShardingId, step: ShardStep, attempt: number): string =>
    `${shardingFolder(sharding)}failures/${stepName(step)}-${pad(attempt, 3)}.json`,
  /** A job waits for the data set. @param attempts the most that any step had before, which do not count for this job */
  shardWaiting: (sharding: ShardingId, job: JobId, attempts: number): string =>
    `${shardingFolder(sharding)}jobs/${job}/${pad(attempts, 3)}`,
} as const;

/** The name under which a job stores the graph that a session asks for. */
export function graphNameOf(request: GraphRequest): GraphName {
  if (request.kind !== "train") return request.kind;
  return `train-${request.batchSize}${request.block === undefined ? "" : `-k${request.block}`}`;
}

/** Whether a graph is for processors with blocked kernels of one size alone. */
export function isForBlock(name: GraphName): boolean {
  return /-k\d+$/.test(name);
}

/**
 * Those that answer a request, the best one first: for its block, for every processor. Last come those for other blocks, which a session
 * refuses and says why.
 */
export function graphNamesFor(request: GraphRequest): readonly GraphName[] {
  if (request.kind !== "train") return [request.kind];
  const blocks = [request.block, undefined, 16, 8] as const;
  return [...new Set(blocks.map((block) => graphNameOf({ ...request, block })))];
}

/** The partition an output's key belongs to, or undefined for a key that is not an output of this stage. */
export function partitionOfOutput(key: string, job: JobId, stage: Stage): number | undefined {
  const [, digits] = /(\d{5})\.[a-z]+$/.exec(key) ?? [];
  const partition = digits === undefined ? undefined : Number(digits);
  return partition !== undefined && keys.output(job, stage, partition) === key ? partition : undefined;
}

/** The slice that a key is of, or undefined for a key that is not of a slice of this round. */
export function sliceOfKey(key: string, job: JobId, round: number): number | undefined {
  const folder = keys.slices(job, round);
  const match = key.startsWith(folder) ? /^(\d{5})\/slice\.safetensors$/.exec(key.slice(folder.length)) : undefined;
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** What the key of a failure's or a damage's record says: enough to go on with, should the record itself be damaged. */
export function attemptOfFailure(
  key: string,
): { readonly partition: number; readonly attempt: number; readonly damagedObject?: string } | undefined {
  const match = /\/(?:failures|damages)\/[a-z]+\/(\d{5})-(\d{3,})(?:-([0-9a-f]{16}))?\.json$/.exec(key);
  if (match?.[1] === undefined) return undefined;
  const attempt = { partition: Number(match[1]), attempt: Number(match[2]) };
  return match[3] === undefined ? attempt : { ...attempt, damagedObject: match[3] };
}

/** An etag, which may be any text, as a part of a key: 16 hex digits of its SHA-256. */
export function objectHashOf(etag: string): string {
  return sha256Hex(etag).slice(0, 16);
}

/** The round a key of a job's folder belongs to; undefined for keys that belong to none. */
export function roundOfKey(key: string, job: JobId): number | undefined {
  const folder = keys.rounds(job);
  const match = key.startsWith(folder) ? /^(\d{6})\//.exec(key.slice(folder.length)) : undefined;
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The job a key belongs to, as text that still has to be validated. */
export function jobOfKey(key: string): string | undefined {
  return /^jobs\/([^/]+)\//.exec(key)?.[1];
}

/** What a key of a sharding's folder says, or undefined for one that says nothing to whoever decides. */
export type ShardingKey =
  | { readonly kind: "fact"; readonly step: string }
  | { readonly kind: "start" | "failure"; readonly step: string; readonly attempt: number }
  | { readonly kind: "waiting"; readonly job: string; readonly attempts: number }
  | { readonly kind: "request" | "outcome" };

export function readShardingKey(key: string, sharding: ShardingId): ShardingKey | undefined {
  const folder = shardingFolder(sharding);
  if (!key.startsWith(folder)) return undefined;
  const name = key.slice(folder.length);
  if (name === "request.json") return { kind: "request" };
  if (name === "outcome.json") return { kind: "outcome" };
  const [, fact] = /^steps\/([a-z]+-\d{5})\.json$/.exec(name) ?? [];
  if (fact !== undefined) return { kind: "fact", step: fact };
  const [, tries, step, attempt] = /^(starts|failures)\/([a-z]+-\d{5})-(\d{3,})(?:\.json)?$/.exec(name) ?? [];
  if (step !== undefined) {
    return { kind: tries === "starts" ? "start" : "failure", step, attempt: Number(attempt) };
  }
  const [, job, attempts] = /^jobs\/([^/]+)\/(\d{3,})$/.exec(name) ?? [];
  return job === undefined ? undefined : { kind: "waiting", job, attempts: Number(attempts) };
}

/** How a step is called in keys. */
export function shardStepName(step: ShardStep): string {
  return stepName(step);
}
