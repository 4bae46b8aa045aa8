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
import { exists, handleDriverMessage, type DriverDeps } from "@stampede/training";
import type { FunctionSettings } from "./functions/settings.js";
import { consume } from "./queue/consume.js";
import { EmbeddedQueue } from "./queue/embedded-queue.js";
import { FolderObjectStore } from "./store/folder-object-store.js";
import { systemClock, systemTimers, systemUnique } from "./system.js";
import { ThreadExecutors } from "./threads/thread-executors.js";
import { ThreadPool } from "./threads/thread-pool.js";
import type { QueueName } from "./threads/protocol.js";

export interface LocalCloudOptions {
  /** The folder of the object store. */
  readonly home: string;
  /** Executors at the same time. */
  readonly threads: number;
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

/** How often a running job is asked whether another process cancelled it: one look at the file system. */
const cancelCheckMs = 500;
/** After this a message whose handler failed is delivered again. */
const visibilityMs = 1_000;
/** What aggregating one round may take. */
const aggregationTimeoutMs = 900_000;

/**
 * The embedded cloud: the folder object store, the queues `driver` and `deltas` in memory, the driver in this thread, the
 * parameter server and the executors as functions on worker threads.
 */
export class LocalCloud {
  readonly #store: FolderObjectStore;
  readonly #queues: Readonly<Record<QueueName, EmbeddedQueue>>;
  readonly #executorPool: ThreadPool;
  readonly #executors: ThreadExecutors;
  readonly #parameterServer: ThreadPool;
  readonly #runs = new Map<JobId, Run>();
  readonly #stopped = new AbortController();
  readonly #consumers: readonly Promise<void>[];

  private constructor(options: LocalCloudOptions) {
    const { home, threads, memoryLimitMb, likelyEngine } = options;
    const clocks = { clock: systemClock, timers: systemTimers };
    this.#store = FolderObjectStore.open(home);
    this.#queues = { driver: new EmbeddedQueue(clocks), deltas: new EmbeddedQueue(clocks) };
    const settings: FunctionSettings = {
      home,
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
    this.#executorPool = new ThreadPool({ ...common, threads, handlerUrl: executorUrl });
    this.#executors = new ThreadExecutors(this.#executorPool, (task, error) => {
      if (suspendsJob(error.code)) this.#runs.get(task.job)?.reject(new StampedeError(error.code, error.message));
      else void this.#tellDriver({ version: 1, type: "invocation-failed", task, error });
    });
    this.#parameterServer = new ThreadPool({ ...common, threads: 1, handlerUrl: parameterServerUrl });
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
    const watch = setInterval(() => void this.#watchCancel(job), cancelCheckMs);
    try {
      if (signal?.aborted === true) throw interrupted(job);
      await this.#tellDriver(
        resumed
          ? { version: 1, type: "resumed", job, goneBefore: systemClock.now() }
          : { version: 1, type: "look", job, reason: "submitted" },
      );
      await ended;
    } finally {
      clearInterval(watch);
      signal?.removeEventListener("abort", interrupt);
      this.#runs.delete(job);
    }
  }

  /** Whether an executor runs native code: the end of the process would cut it off, which aborts. */
  get isInNative(): boolean {
    return this.#executorPool.isInNative;
  }

  /** Ends all threads at once; jobs under way can be resumed by another cloud on the same folder. */
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
    return consume(this.#queues[name], this.#stopped.signal, { batchSize, visibilityMs, handler });
  }

  async #drive(messages: readonly QueueMessage[]): Promise<void> {
    for (const { body } of messages) {
      const message = decodeMessage(DriverMessage, body, "driver");
      const outcome = await handleDriverMessage(message, this.#driverDeps());
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

  async #watchCancel(job: JobId): Promise<void> {
    const cancelled = await exists(this.#store, keys.cancel(job)).catch(() => false);
    if (cancelled) await this.#tellDriver({ version: 1, type: "look", job, reason: "cancel" });
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
