import { type Engine, type EngineSession, type TaskMessage, type TrainRequest } from "@stampede/core";
import { Executor, type DriverDeps, type ExecutorDeps, type ParameterServerDeps } from "@stampede/training";
import { tinyEngine } from "../tiny-engine.js";
import type { Role } from "./bill.js";
import type { Cloud } from "./cloud.js";
import { Line } from "./line.js";
import type { QueueName } from "./setup.js";
import { TimedStore } from "./timed-store.js";

const readAheadBytes = 16 * 2 ** 20;
const leastReads = 2;

/** A process in which a function runs again and again: what it remembers hangs on its ports. It has one processor and one network. */
export class Environment {
  readonly role: Role;
  readonly deps: DriverDeps & ExecutorDeps & ParameterServerDeps;
  /** Bytes of bodies that are on their way or worked at, and the most that ever were. */
  heldBytes = 0;
  mostHeldBytes = 0;
  /** Whether it works on one part of a round. */
  isOnPart = false;
  readonly #cloud: Cloud;
  readonly #processor: Line;
  readonly #network: Line;
  readonly #bytesPerSecond: number;
  #executor: Executor | undefined;
  #task: TaskMessage | undefined;
  #reads = 0;
  readonly #waitingReads: (() => void)[] = [];
  #waiting = 0;
  #isRunning = false;

  constructor(role: Role, cloud: Cloud) {
    this.role = role;
    this.#cloud = cloud;
    this.#processor = new Line(cloud.time);
    this.#network = new Line(cloud.time);
    this.#bytesPerSecond = cloud.chance.between(cloud.latencies.bytesPerSecond);
    const { time, unique, setup } = cloud;
    this.deps = {
      store: new TimedStore(this, cloud),
      queues: { driver: this.#queue("driver"), deltas: this.#queue("deltas") },
      clock: { now: () => time.now() },
      unique,
      events: { emit: () => undefined },
      executors: { start: (task) => this.#invoke(() => this.#cloud.invokeExecutor(task)) },
      startServer: (message) => this.#invoke(() => this.#cloud.invokeServer(message)),
      engine: () => Promise.resolve(this.#engine()),
      residentBytes: setup.memoryMb.executor * 2 ** 19,
      stopCheckMs: setup.stopCheckMs,
    };
  }

  /** One call of the function, from its first line to its end. */
  async run(work: () => Promise<void>): Promise<void> {
    this.#isRunning = true;
    this.#cloud.busy += 1;
    try {
      await work();
    } finally {
      this.#isRunning = false;
      this.#cloud.busy -= 1;
    }
  }

  async train(task: TaskMessage, until: number): Promise<void> {
    this.#task = task;
    this.#executor ??= new Executor(this.deps);
    await this.#executor.run(task, { until });
  }

  /** Loads what is loaded once in a process, outside of virtual time. */
  async warm(): Promise<void> {
    this.#executor = new Executor(this.deps);
    await this.#executor.warm();
  }

  /** Lets time pass for this function, in which others go on. */
  async until(moment: (resume: () => void) => void): Promise<void> {
    if (this.#isRunning && this.#waiting === 0) this.#cloud.busy -= 1;
    this.#waiting += 1;
    await new Promise<void>((resolve) => {
      moment(() => {
        this.#waiting -= 1;
        if (this.#isRunning && this.#waiting === 0) this.#cloud.busy += 1;
        resolve();
      });
    });
  }

  pass(ms: number): Promise<void> {
    return this.until((resume) => void this.#cloud.time.after(ms, resume));
  }

  compute(ms: number): Promise<void> {
    return this.until((resume) => this.#processor.take(ms, resume));
  }

  /** Bytes come or go: one transfer after the other, as fast as all of them at the same time. */
  transfer(bytes: number): Promise<void> {
    return this.until((resume) => this.#network.take((bytes / this.#bytesPerSecond) * 1000, resume));
  }

  /** A body is in memory meanwhile. */
  async holding(bytes: number, work: () => Promise<void>): Promise<void> {
    this.heldBytes += bytes;
    this.mostHeldBytes = Math.max(this.mostHeldBytes, this.heldBytes);
    await work();
    this.heldBytes -= bytes;
  }

  /**
   * Deltas are read ahead as long as they fit into 16 MiB, two at least (`readAheadOf` of the parameter server). It goes by their real bytes,
   * which are few here.
   */
  async readAhead<T>(bytes: number, read: () => Promise<T>): Promise<T> {
    const most = Math.max(leastReads, Math.floor(readAheadBytes / bytes));
    if (this.#reads >= most) await this.until((resume) => void this.#waitingReads.push(resume));
    this.#reads += 1;
    try {
      return await read();
    } finally {
      this.#reads -= 1;
      this.#waitingReads.shift()?.();
    }
  }

  async #invoke(call: () => void): Promise<void> {
    const { bill, latencies, chance } = this.#cloud;
    bill.add("lambda:Invoke");
    await this.compute(latencies.requestCpuMs);
    await this.pass(chance.around(latencies.invoke));
    call();
  }

  #queue(name: QueueName): DriverDeps["queues"]["driver"] {
    const { bill, latencies, chance, queues } = this.#cloud;
    return {
      send: async (body, options) => {
        await this.compute(latencies.requestCpuMs);
        bill.add("sqs:SendMessage");
        await this.pass(chance.around(latencies.sqsSend));
        return queues[name].send(body, options);
      },
    };
  }

  /** An engine whose work takes as long as this task takes in this round. */
  #engine(): Engine {
    return {
      name: tinyEngine.name,
      open: async (...given) => this.#session(await tinyEngine.open(...given)),
    };
  }

  #session(inner: EngineSession): EngineSession {
    return {
      load: (...given) => inner.load(...given),
      train: async (request: TrainRequest) => {
        const { fromBatch, toBatch } = request;
        await this.compute((toBatch - fromBatch) * this.#cloud.batchMs(this.#task));
        return inner.train(request);
      },
      evaluate: (range) => inner.evaluate(range),
      predict: (range) => inner.predict(range),
      save: () => inner.save(),
      close: () => inner.close(),
    };
  }
}
