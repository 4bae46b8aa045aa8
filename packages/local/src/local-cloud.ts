import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  keys,
  StampedeError,
  suspendsJob,
  toErrorFacts,
  type EngineName,
  type JobEvent,
  type JobId,
  type QueueMessage,
} from "@stampede/core";
import { exists, handleDriverMessage, readHead, type DriverDeps } from "@stampede/training";
import type { FunctionSettings } from "./functions/settings.js";
import { FunctionPool } from "./pool/function-pool.js";
import { PoolExecutors } from "./pool/pool-executors.js";
import type { QueueName } from "./pool/protocol.js";
import type { Isolation } from "./pool/worker.js";
import { consume } from "./queue/consume.js";
import { EmbeddedQueue } from "./queue/embedded-queue.js";
import { FolderObjectStore } from "./store/folder-object-store.js";
import { clockOffsetMs, systemClock, systemTimers, systemUnique } from "./system.js";

export interface LocalCloudOptions {
  /** The folder of the object store. */
  readonly home: string;
  /** Executors at the same time. */
  readonly threads: number;
  /** What each executor runs in. The parameter server is always a thread. @default "thread" */
  readonly isolation?: Isolation;
  /** The memory of one executor, in MiB. */
  readonly memoryLimitMb: number;
  /** What the next job will most likely run on: executors load it in advance. */
  readonly likelyEngine?: EngineName;
  /** The module of the function `executor`. @default the product's own */
  readonly executorUrl?: string;
}

export interface LocalRunOptions {
  /** Nothing of an earlier run of the job is alive. */
  readonly resumed: boolean;
  readonly onEvent: (event: JobEvent) => void;
  readonly signal?: AbortSignal;
}

interface Run {
  readonly onEvent: (event: JobEvent) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How often a running job is asked whether another process ended it: two looks at the file system. */
const watchMs = 500;
/** How often the driver looks at a running job although nothing was heard: timers end with the process that set them. */
const sweepMs = 5_000;
/** After this a message whose handler failed is delivered again. */
const retryMs = 1_000;
/** No handler takes longer, but for a stopped process; one that did would see its message as one whose handler had died. */
const visibilityMs = 900_000;
/** What aggregating one round may take. */
const aggregationTimeoutMs = 900_000;

/**
 * The embedded cloud: the folder object store, the queues `driver` and `deltas` in memory, the driver in this thread, the
 * parameter server and the executors as functions on worker threads, or the executors in processes.
 */
export class LocalCloud {
  readonly #store: FolderObjectStore;
  readonly #queues: Readonly<Record<QueueName, EmbeddedQueue>>;
  readonly #executorPool: FunctionPool;
  readonly #executors: PoolExecutors;
  readonly #parameterServer: FunctionPool;
  readonly #runs = new Map<JobId, Run>();
  readonly #stopped = new AbortController();
  readonly #consumers: readonly Promise<void>[];

  private constructor(options: LocalCloudOptions) {
    const { home, threads, isolation = "thread", memoryLimitMb, likelyEngine } = options;
    const clocks = { clock: systemClock, timers: systemTimers };
    this.#store = FolderObjectStore.open(home);
    this.#queues = { driver: new EmbeddedQueue(clocks), deltas: new EmbeddedQueue(clocks) };
    const settings: FunctionSettings = {
      home,
      clockOffsetMs,
      residentBytes: (memoryLimitMb * 2 ** 20) / 2,
      ...(likelyEngine && { likelyEngine }),
    };
    const common = {
      settings,
      memoryLimitMb,
      ...clocks,
      onEvent: (event: JobEvent) => this.#emit(event),
      onSend: (queue: QueueName, body: string) => void this.#queues[queue].send(body),
    };
    const executorUrl = options.executorUrl ?? new URL("./functions/executor.js", import.meta.url).href;
    const parameterServerUrl = new URL("./functions/parameter-server.js", import.meta.url).href;
    this.#executorPool = new FunctionPool({ ...common, isolation, workers: threads, handlerUrl: executorUrl });
    this.#executors = new PoolExecutors(this.#executorPool, (task, error) => {
      if (suspendsJob(error.code)) this.#runs.get(task.job)?.reject(new StampedeError(error.code, error.message));
      else void this.#tellDriver({ version: 1, type: "invocation-failed", task, error });
    });
    this.#parameterServer = new FunctionPool({ ...common, workers: 1, handlerUrl: parameterServerUrl });
    this.#consumers = [
      this.#consume("driver", 1, (messages) => this.#drive(messages)),
      this.#consume("deltas", 10, (messages) => this.#aggregate(messages)),
    ];
  }

  /** @throws StampedeError `store.not-writable`, `store.full` */
  static start(options: LocalCloudOptions): LocalCloud {
    const cloud = new LocalCloud(options);
    cloud.#executorPool.warm();
    cloud.#parameterServer.warm();
    return cloud;
  }

  /**
   * Runs a stored job until it has ended, well or badly: its result is in the store then.
   * @throws StampedeError `job.interrupted` when `signal` aborts; whatever keeps the driver from working
   */
  async run(job: JobId, { resumed, onEvent, signal }: LocalRunOptions): Promise<void> {
    const interrupt = (): void => this.#runs.get(job)?.reject(interrupted(job));
    const ended = new Promise<void>((resolve, reject) => {
      this.#runs.set(job, { onEvent, resolve, reject });
    });
    // It may be rejected before it is awaited.
    ended.catch(() => undefined);
    signal?.addEventListener("abort", interrupt, { once: true });
    const watches = [
      setInterval(() => void this.#watch(job), watchMs),
      setInterval(() => void this.#tellDriver({ version: 1, type: "look", job, reason: "sweep" }), sweepMs),
    ];
    try {
      if (signal?.aborted === true) throw interrupted(job);
      await this.#tellDriver(await this.#firstWord(job, resumed));
      await ended;
    } finally {
      for (const watch of watches) clearInterval(watch);
      signal?.removeEventListener("abort", interrupt);
      this.#runs.delete(job);
    }
  }

  /** Whether an executor runs native code: the end of the process would cut it off, which aborts. */
  get isInNative(): boolean {
    return this.#executorPool.isInNative;
  }

  /** Ends all functions at once; jobs under way can be resumed by another cloud on the same folder. */
  async close(): Promise<void> {
    this.#stopped.abort();
    for (const queue of Object.values(this.#queues)) queue.close();
    await Promise.all([this.#executorPool.close(), this.#parameterServer.close(), ...this.#consumers]);
  }

  #consume(
    name: QueueName,
    batchSize: number,
    work: (messages: readonly QueueMessage[]) => Promise<void>,
  ): Promise<void> {
    const handler = async (messages: readonly QueueMessage[]): Promise<void> => {
      try {
        await work(messages);
      } catch (error) {
        this.#giveUp(messages, error);
        throw error;
      }
    };
    return consume(this.#queues[name], this.#stopped.signal, { batchSize, visibilityMs, retryMs, handler });
  }

  async #drive(messages: readonly QueueMessage[]): Promise<void> {
    for (const { body, receiveCount } of messages) {
      const message = decodeMessage(DriverMessage, body, "driver");
      const outcome = await handleDriverMessage(message, this.#driverDeps(), { redelivered: receiveCount > 1 });
      const job = message.type === "invocation-failed" ? message.task.job : message.job;
      if (outcome === "ended") this.#runs.get(job)?.resolve();
    }
  }

  async #aggregate(messages: readonly QueueMessage[]): Promise<void> {
    const payload = messages.map(({ body }) => decodeMessage(DeltaMessage, body, "deltas"));
    await this.#parameterServer.run(payload, { deadlineAt: systemClock.now() + aggregationTimeoutMs });
  }

  #driverDeps(): DriverDeps {
    return {
      store: this.#store,
      queues: this.#queues,
      clock: systemClock,
      unique: systemUnique,
      events: { emit: (event) => this.#emit(event) },
      executors: this.#executors,
    };
  }

  #tellDriver(message: DriverMessage): Promise<void> {
    return this.#queues.driver.send(encodeMessage(DriverMessage, message));
  }

  /** Of a job that goes on, all that the head speaks of was started by a process that is gone. */
  async #firstWord(job: JobId, resumed: boolean): Promise<DriverMessage> {
    // A head that cannot be read is the driver's to deal with.
    const read = resumed ? await readHead(this.#store, job).catch(() => undefined) : undefined;
    if (read === undefined) return { version: 1, type: "look", job, reason: "submitted" };
    return { version: 1, type: "resumed", job, head: read.head.token };
  }

  /** Another process may cancel a job, or bring it to its end. */
  async #watch(job: JobId): Promise<void> {
    const ends = [keys.cancel(job), keys.result(job)];
    const found = await Promise.all(ends.map((key) => exists(this.#store, key).catch(() => false)));
    if (found.includes(true)) await this.#tellDriver({ version: 1, type: "look", job, reason: "cancel" });
  }

  #emit(event: JobEvent): void {
    if (event.job !== undefined) this.#runs.get(event.job)?.onEvent(event);
  }

  /** A message whose last delivery failed is dead: whoever waits for a job learns why. */
  #giveUp(messages: readonly QueueMessage[], error: unknown): void {
    const isLast = messages.some(({ receiveCount }) => receiveCount >= maxReceives);
    if (!isLast && !suspendsJob(toErrorFacts(error).code)) return;
    for (const run of this.#runs.values()) run.reject(error);
  }
}

/** The same as the queues' own default. */
const maxReceives = 5;

function interrupted(job: JobId): StampedeError {
  const message = `Job ${job} was interrupted. What it committed is kept; resume it to go on.`;
  return new StampedeError("job.interrupted", message, { details: { job } });
}
