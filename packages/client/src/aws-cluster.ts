import {
  DriverMessage,
  encodeMessage,
  type DataFiles,
  type JobEvent,
  type JobId,
  type ObjectStore,
  type Queue,
} from "@stampede/core";
import type { FileAccess } from "@stampede/data";
import { systemClock, systemUnique } from "@stampede/local/folder";
import type { WantedJob } from "@stampede/training";
import { FactsLog } from "@stampede/training/jobs";
import { awsSettings, type AwsClusterOptions, type AwsSettings, type Environment } from "./aws-settings.js";
import { httpCluster, type HttpCluster, type HttpClusterOptions } from "./http/http-cluster.js";
import { lookMs, lookUntil } from "./look-until.js";
import type { Capacity, Cluster, RunOptions } from "./types.js";

/** A cluster that is to be closed: it holds connections. */
export interface AwsCluster extends Cluster {
  /** False: executors run elsewhere. */
  readonly isInNative: false;
  close(): Promise<void>;
}

/**
 * Stampede on AWS, or on an emulator of it: jobs run in functions, whoever waits for them or not. Speaks to S3 and SQS with the
 * credentials that the AWS SDK finds. The AWS SDK is loaded when the cluster is used first.
 *
 * With the address of a deployment and a token of it, it is reached over its HTTP API instead, without credentials of AWS: the same as
 * `httpCluster`.
 *
 * @param environment where options that are left out are looked up
 * @throws StampedeError `option.invalid` naming what is missing
 */
export function awsCluster(options: HttpClusterOptions): HttpCluster;
export function awsCluster(options?: AwsClusterOptions, environment?: Environment): AwsCluster;
export function awsCluster(
  options: AwsClusterOptions | HttpClusterOptions = {},
  environment: Environment = process.env,
): AwsCluster | HttpCluster {
  return "url" in options ? httpCluster(options) : new CloudCluster(awsSettings(options, environment));
}

/** Lambda gives a function one processor for so many MiB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const memoryMbPerCore = 1769;

interface Connection {
  readonly store: ObjectStore;
  readonly driver: Pick<Queue, "send">;
  readonly dataFiles: DataFiles;
  close(): void;
}

interface KeptLog {
  readonly facts: FactsLog;
  readonly told: JobEvent[];
  lookedAt: number;
  isWhole: boolean;
}

function newLog(store: ObjectStore, job: JobId): KeptLog {
  return { facts: new FactsLog(store, job, "beginning"), told: [], lookedAt: -Infinity, isWhole: false };
}

class CloudCluster implements AwsCluster {
  readonly isInNative = false;
  readonly #settings: AwsSettings;
  readonly #logs = new Map<JobId, KeptLog>();
  #connection: Promise<Connection> | undefined;

  constructor(settings: AwsSettings) {
    this.#settings = settings;
  }

  /** Each executor is a function with processors of its own, which may be of any kind. */
  get capacity(): Capacity {
    const { executorMemoryMb } = this.#settings;
    const cores = Math.max(1, Math.floor(executorMemoryMb / memoryMbPerCore));
    return { cores, executors: 1, memoryBytes: executorMemoryMb * 2 ** 20, blocks: [16, 8] };
  }

  async open(): Promise<ObjectStore> {
    return (await this.#connect()).store;
  }

  /** Functions start when they are invoked; only the SDK can be loaded meanwhile. */
  warm(): void {
    this.#connect().catch(() => undefined);
  }

  async files(): Promise<FileAccess> {
    return { s3: (await this.#connect()).dataFiles };
  }

  /** Stores the request and tells the driver, which prepares the job. */
  async request(wanted: WantedJob): Promise<JobId> {
    const { store, driver } = await this.#connect();
    const { requestJob } = await import("@stampede/training");
    return requestJob(wanted, { store, queues: { driver }, clock: systemClock, unique: systemUnique });
  }

  /**
   * Tells the driver of the job, and follows it to its end. What a function is doing nobody knows here, so a job that is resumed is
   * only looked at, and told from where it stands.
   * @throws StampedeError `job.interrupted` when `signal` aborts: the job goes on all the same; `store.unavailable` when S3 or SQS
   *   does not answer for a minute
   */
  async run(job: JobId, { resumed, onEvent, signal }: RunOptions): Promise<void> {
    const { store } = await this.#connect();
    await this.#tellDriver(job, resumed ? "sweep" : "submitted");
    const log = new FactsLog(store, job, resumed ? "now" : "beginning");
    const look = async (): Promise<true | undefined> => {
      for (const event of await log.look(systemClock.now())) onEvent(event);
      return log.result === undefined ? undefined : true;
    };
    await lookUntil(job, look, signal);
  }

  async wake(job: JobId): Promise<void> {
    await this.#tellDriver(job, "cancel");
  }

  /** The facts are the log. What only the client knows (`data.ready`, and where a model was saved) is told to whoever runs it, and not kept. */
  record(): void {
    // Nothing is kept.
  }

  /** Looks at the job once a second at most, however often it is asked. */
  async events(job: JobId): Promise<readonly JobEvent[]> {
    const { store } = await this.#connect();
    const log = this.#logs.get(job) ?? newLog(store, job);
    this.#logs.set(job, log);
    const now = systemClock.now();
    if (!log.isWhole && now - log.lookedAt >= lookMs) {
      log.lookedAt = now;
      const news = await log.facts.look(now);
      const { submitted } = log.facts;
      if (log.told.length === 0 && submitted !== undefined) log.told.push(submitted);
      log.told.push(...news);
      const last = await log.facts.lastWord();
      if (last !== undefined) log.told.push(last);
      log.isWhole = last !== undefined;
    }
    return [...log.told];
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }

  async #tellDriver(job: JobId, reason: "submitted" | "sweep" | "cancel"): Promise<void> {
    const { driver } = await this.#connect();
    await driver.send(encodeMessage(DriverMessage, { version: 1, type: "look", job, reason }));
  }

  #connect(): Promise<Connection> {
    this.#connection ??= connect(this.#settings);
    return this.#connection;
  }
}

async function connect(settings: AwsSettings): Promise<Connection> {
  const { bucket, driverQueueUrl, region, endpoint, environment } = settings;
  const { S3DataFiles, S3ObjectStore, s3Client, SqsQueue, sqsClient } = await import("@stampede/aws");
  const place = { environment, ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) };
  const [s3, sqs] = [s3Client(place), sqsClient(place)];
  return {
    store: new S3ObjectStore({ client: s3, bucket }),
    driver: new SqsQueue({ client: sqs, queueUrl: driverQueueUrl }),
    dataFiles: new S3DataFiles({ client: s3 }),
    close: () => {
      s3.destroy();
      sqs.destroy();
    },
  };
}
