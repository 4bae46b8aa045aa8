import {
  decodeRecord,
  encodeMessage,
  encodeRecord,
  DatasetId,
  DatasetManifest,
  DriverMessage,
  JobResult,
  keys,
  parseJobId,
  sha256Hex,
  slicingOf,
  tensorOf,
  type JobSpec,
  type ObjectStore,
  type Slicing,
} from "@stampede/core";
import { memorySource, shardDataset } from "@stampede/data";
import { submitJob } from "@stampede/training";
import { MemoryObjectStore } from "../memory-object-store.js";
import { mix, unit } from "../simulation/random.js";
import { specOf } from "../simulation/shapes.js";
import { sumOf, type Requests, type Role } from "./bill.js";
import { Cloud, makeClient } from "./cloud.js";
import type { PoolFacts } from "./function-pool.js";
import { publishedLatencies, type Latencies } from "./latencies.js";
import { factsOfRound, type RoundFacts } from "./round-facts.js";
import type { CloudSetup } from "./setup.js";
import { Story } from "./story.js";
import { Weights } from "./weight.js";

export interface FanOutOptions {
  readonly partitions: number;
  readonly rounds: number;
  /** The median of what an executor computes in a round. */
  readonly localWorkMs: number;
  /** Of its logarithm. @default .05 */
  readonly workSigma?: number;
  /** What the weights stand for. */
  readonly weightBytes: number;
  /** What a partition of the data stands for. @default 1 MB */
  readonly partitionBytes?: number;
  readonly setup: CloudSetup;
  /** @default {@link publishedLatencies} */
  readonly latencies?: Latencies;
  /** How a round is averaged. @default what a job of this size gets when it is submitted */
  readonly slicing?: Slicing;
  /** Batches of a round, and so the pieces in which the work is done. @default 30 */
  readonly batches?: number;
  /** @default 1 */
  readonly seed?: number;
}

export interface FanOutFacts {
  readonly partitions: number;
  readonly slices: number;
  readonly parts: number;
  readonly status: JobResult["status"];
  readonly weightsSha256: string | undefined;
  readonly rounds: readonly RoundFacts[];
  /** Of the whole job, without the client's: requests as they are billed ... */
  readonly requests: Requests;
  /** ... and memory in GB times seconds. */
  readonly gbSeconds: Readonly<Partial<Record<Role, number>>>;
  /** The largest object of each kind, in bytes. */
  readonly largestObjects: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<"driver" | "parameter-server" | "executor", PoolFacts>>;
  /** Calls of the parameter server by its event source at the same time, at most. */
  readonly mostSourceCalls: number;
}

const startAt = 1_000_000_000;
const limits = {
  maxAttempts: 3,
  backups: true,
  taskTimeoutSeconds: 900,
  heartbeatTimeoutSeconds: 60,
  jobTimeoutSeconds: undefined,
  quorum: 1,
  graceSeconds: 60,
  lateDeltas: "discard",
  checkpointSeconds: 300,
} as const;

/**
 * Trains a tiny model with the real driver, executors and parameter server in virtual time: as long as the published latencies say that it
 * takes where weights and data are as large as the options say.
 * @throws Error when the job does not succeed: nothing goes wrong in this cloud
 */
export async function runFanOut(options: FanOutOptions): Promise<FanOutFacts> {
  const { partitions, rounds, weightBytes, localWorkMs, workSigma = 0.05, setup, seed = 1, batches = 30 } = options;
  const slicing = options.slicing ?? slicingOf({ partitions, weightBytes });
  const width = Math.max(16, 2 * slicing.parts);
  const job = parseJobId("fan-out");
  const story = new Story(job);
  const { partitionBytes = 1_000_000 } = options;
  const sizes = { realBytes: 4 * width, countedBytes: weightBytes, partitionBytes };
  const cloud = new Cloud({
    setup,
    latencies: options.latencies ?? publishedLatencies,
    weights: new Weights({ job, parts: slicing.parts, ...sizes }),
    story,
    seed,
    startAt,
    batchMs: { median: localWorkMs / batches, sigma: workSigma },
    batches,
  });
  story.bill = cloud.bill;
  const dataset = await storeDataset(cloud.objects, { partitions, rows: batches, width });
  const partitionRows = Array.from({ length: partitions }, () => batches);
  const shape = {
    kind: "train",
    partitionRows,
    validationRows: undefined,
    epochs: rounds,
    batchSize: 1,
    frequency: "epoch",
    optimizerState: "reset",
    shuffle: true,
    seed,
    clip: undefined,
  } as const;
  const spec = specOf(job, shape, { ...limits, ...slicing }, { dataset, validation: undefined }, startAt);
  await submit(spec, width, cloud);
  await cloud.time.run(
    () => story.hasEnded,
    () => cloud.settle(),
  );
  return factsOf(cloud, story, { partitions, ...slicing });
}

async function submit(spec: JobSpec, width: number, cloud: Cloud): Promise<void> {
  await makeClient(cloud).warm();
  const initial = new Map([["w", tensorOf(new Float32Array(width).fill(0.5), [width])]]);
  const { objects: store, time: clock, unique, queues } = cloud;
  await submitJob(spec, { weights: initial }, { store, clock, unique });
  const look = { version: 1, type: "look", job: spec.job, reason: "submitted" } as const;
  await queues.driver.send(encodeMessage(DriverMessage, look));
}

async function factsOf(
  cloud: Cloud,
  story: Story,
  { partitions, slices, parts }: Slicing & { readonly partitions: number },
): Promise<FanOutFacts> {
  const key = keys.result(parseJobId("fan-out"));
  const stored = await cloud.objects.get(key);
  const result = stored && decodeRecord(JobResult, stored.body, key);
  if (result?.status !== "succeeded") throw new Error(result?.error?.message ?? "The job came to no end.");
  const { functions, sources, bill } = cloud;
  return {
    partitions,
    slices,
    parts,
    status: result.status,
    weightsSha256: result.weightsSha256,
    rounds: story.rounds.map(factsOfRound),
    requests: sumOf([story.requestsBefore, ...story.rounds.map(({ requests }) => requests)]),
    gbSeconds: bill.gbSeconds(),
    largestObjects: Object.fromEntries(story.largest),
    functions: {
      driver: functions.facts("driver"),
      "parameter-server": functions.facts("parameter-server"),
      executor: functions.facts("executor"),
    },
    mostSourceCalls: sources.deltas.mostActive,
  };
}

interface DatasetSize {
  readonly partitions: number;
  readonly rows: number;
  readonly width: number;
}

/** All partitions have the same rows; each visits them in an order of its own. */
async function storeDataset(store: ObjectStore, { partitions, rows, width }: DatasetSize): Promise<DatasetId> {
  const own = new MemoryObjectStore();
  // So short that the steps of the tiny engine converge, however wide its model is.
  const value = (row: number, column: number): number => (unit(mix(mix(7, row), column)) * 2 - 1) / Math.sqrt(width);
  const x = Array.from({ length: rows }, (_, row) => Array.from({ length: width }, (__, at) => value(row, at)));
  const y = x.map(([a = 0, b = 0]) => 2 * a - 3 * b);
  const request = { dataset: memorySource({ x, y }), baseFolder: ".", partitions: 1, order: "kept" } as const;
  const { train } = await shardDataset({ ...request, emptyPartitions: "allow" }, { store: own });
  const [part] = train.manifest.parts;
  const body = (await own.get(keys.part(train.id, 0)))?.body;
  if (part === undefined || body === undefined) throw new Error("The data set has no partition.");
  const parts = Array.from({ length: partitions }, () => part);
  const dataset = DatasetId.parse(sha256Hex(JSON.stringify(parts)));
  const manifest = { ...train.manifest, dataset, rows: rows * partitions, parts };
  await store.create(keys.manifest(dataset), encodeRecord(DatasetManifest, manifest));
  for (let index = 0; index < partitions; index += 1) await store.create(keys.part(dataset, index), body);
  return dataset;
}
