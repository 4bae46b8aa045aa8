import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { CreateQueueCommand } from "@aws-sdk/client-sqs";
import { S3ObjectStore, s3Client, SqsQueue, sqsClient } from "@stampede/aws";
import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  type ObjectStore,
  type Queue,
  type QueueMessage,
  type TaskMessage,
} from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local";
import { createEngine } from "@stampede/runtime";
import {
  Executor,
  handleDeltaMessages,
  handleDriverMessage,
  type DriverDeps,
  type ExecutorDeps,
} from "@stampede/training";

const visibilityMs = 60_000;
const waitMs = 1_000;

/**
 * The roles of a deployment in the test's own process, on S3 and SQS of an emulator: what functions would do, without functions. Only the
 * test attends to the queues, and may stop.
 */
export class AttendedCloud {
  readonly bucket: string;
  readonly driverQueueUrl: string;
  readonly store: ObjectStore;
  readonly driver: Queue;
  readonly #deltas: Queue;
  readonly #executors = new Map<number, Promise<Executor>>();
  /** Of an executor's tasks each begins when the one before has ended. */
  readonly #busy = new Map<number, Promise<void>>();
  readonly #close: () => void;
  #attending: { readonly stopped: AbortController; readonly loops: readonly Promise<void>[] } | undefined;

  private constructor(parts: {
    readonly bucket: string;
    readonly driverQueueUrl: string;
    readonly store: ObjectStore;
    readonly driver: Queue;
    readonly deltas: Queue;
    readonly close: () => void;
  }) {
    this.bucket = parts.bucket;
    this.driverQueueUrl = parts.driverQueueUrl;
    this.store = parts.store;
    this.driver = parts.driver;
    this.#deltas = parts.deltas;
    this.#close = parts.close;
  }

  /** Creates the bucket and the queues. Nobody attends to them yet. */
  static async create(endpoint: string, bucket = "jobs"): Promise<AttendedCloud> {
    const place = { endpoint, region: "us-east-1" };
    const [s3, sqs] = [s3Client(place), sqsClient(place)];
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const [driverQueueUrl = "", deltasUrl = ""] = await Promise.all(
      ["driver", "deltas"].map(async (QueueName) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl),
    );
    return new AttendedCloud({
      bucket,
      driverQueueUrl,
      store: new S3ObjectStore({ client: s3, bucket }),
      driver: new SqsQueue({ client: sqs, queueUrl: driverQueueUrl }),
      deltas: new SqsQueue({ client: sqs, queueUrl: deltasUrl }),
      close: () => {
        s3.destroy();
        sqs.destroy();
      },
    });
  }

  attend(): void {
    const stopped = new AbortController();
    const { signal } = stopped;
    const loops = [
      consume(this.driver, signal, async ({ body, receiveCount }) => {
        const message = decodeMessage(DriverMessage, body, "driver");
        await handleDriverMessage(message, this.#deps(), { redelivered: receiveCount > 1 });
      }),
      consume(this.#deltas, signal, async ({ body }) =>
        handleDeltaMessages([decodeMessage(DeltaMessage, body, "deltas")], this.#deps()),
      ),
    ];
    this.#attending = { stopped, loops };
  }

  /** Resolves when nobody is at work any more. */
  async leave(): Promise<void> {
    this.#attending?.stopped.abort();
    await Promise.all([...(this.#attending?.loops ?? []), ...this.#busy.values()]);
    this.#attending = undefined;
  }

  async close(): Promise<void> {
    await this.leave();
    for (const executor of this.#executors.values()) (await executor).close();
    this.#close();
  }

  #deps(): DriverDeps & ExecutorDeps {
    return {
      store: this.store,
      queues: { driver: this.driver, deltas: this.#deltas },
      clock: systemClock,
      unique: systemUnique,
      // As on AWS: nobody hears of events.
      events: { emit: () => undefined },
      executors: { start: (task) => Promise.resolve(this.#start(task)) },
      engine: (name, compute) => createEngine(name, compute),
      residentBytes: 2 ** 28,
    };
  }

  #start(task: TaskMessage): void {
    const { partition } = task;
    const before = this.#busy.get(partition) ?? Promise.resolve();
    const executor = this.#executors.get(partition) ?? Promise.resolve(new Executor(this.#deps()));
    this.#executors.set(partition, executor);
    this.#busy.set(
      partition,
      before.then(async () => (await executor).run(task)),
    );
  }
}

async function consume(
  queue: Queue,
  signal: AbortSignal,
  handle: (message: QueueMessage) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const messages = await queue.receive({ max: 10, waitMs, visibilityMs });
    for (const message of messages) {
      await handle(message);
      await queue.delete(message.receipt);
    }
  }
}
