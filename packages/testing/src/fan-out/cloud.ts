import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  type ObjectStore,
  type QueueMessage,
  type TaskMessage,
} from "@stampede/core";
import { handleDeltaMessages, handleDriverMessage } from "@stampede/training";
import { MemoryObjectStore } from "../memory-object-store.js";
import { SequentialUnique } from "../sequential-unique.js";
import { keyOf, mix } from "../simulation/random.js";
import { SimulatedQueue } from "../simulation/simulated-queue.js";
import { VirtualTime } from "../simulation/virtual-time.js";
import { Bill } from "./bill.js";
import { Chance } from "./chance.js";
import { Environment } from "./environment.js";
import { EventSource } from "./event-source.js";
import { FunctionPool } from "./function-pool.js";
import type { Latencies } from "./latencies.js";
import type { CloudSetup, QueueName } from "./setup.js";
import type { Story } from "./story.js";
import { Turns } from "./turns.js";
import type { Weights } from "./weight.js";

export interface CloudParts {
  readonly setup: CloudSetup;
  readonly latencies: Latencies;
  readonly weights: Weights;
  readonly story: Story;
  readonly seed: number;
  readonly startAt: number;
  /** How long an executor works at one batch of a round. */
  readonly batchMs: { readonly median: number; readonly sigma: number };
  /** Of one round. */
  readonly batches: number;
}

const maxReceives = 5;
const visibilityFactor = 6;

/** Storage, queues and functions in virtual time, as fast and as dear as those of AWS. Nothing goes wrong in it. */
export class Cloud {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly bill = new Bill();
  readonly objects: ObjectStore;
  readonly unique = new SequentialUnique();
  readonly setup: CloudSetup;
  readonly latencies: Latencies;
  readonly weights: Weights;
  readonly turns: Turns;
  readonly queues: Readonly<Record<QueueName, SimulatedQueue>>;
  readonly functions: FunctionPool;
  readonly sources: Readonly<Record<QueueName, EventSource>>;
  /** Functions that run and wait for nothing: what they do takes no time, and nothing may happen before. */
  busy = 0;
  failure: Error | undefined;
  readonly wrote: (key: string, body: Uint8Array, bytes: number) => void;
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
    const { setup, latencies, weights, story, seed, startAt } = parts;
    this.setup = setup;
    this.latencies = latencies;
    this.weights = weights;
    this.time = new VirtualTime(startAt);
    this.objects = new MemoryObjectStore(this.time);
    this.chance = new Chance(keyOf(seed, "cloud"));
    this.turns = new Turns(this.time, latencies);
    this.wrote = (key, body, bytes) => story.wrote(key, body, bytes, this.time.exact);
    this.functions = new FunctionPool(this);
    this.queues = { driver: this.#makeQueue("driver"), deltas: this.#makeQueue("deltas") };
    this.sources = {
      driver: this.#feed("driver", (messages) => this.#drive(messages)),
      deltas: this.#feed("deltas", (messages) => this.#aggregate(messages)),
    };
  }

  /** The same in every run: how long a task takes is its own. */
  batchMs(task: TaskMessage | undefined): number {
    const { seed, batchMs } = this.#parts;
    const key = mix(mix(keyOf(seed, "work"), task?.stage.round ?? 0), task?.partition ?? 0);
    return new Chance(key).around({ medianMs: batchMs.median, sigma: batchMs.sigma });
  }

  invokeExecutor(task: TaskMessage): void {
    const { story, setup, batches } = this.#parts;
    const invokedAt = this.time.exact;
    void this.functions.call("executor", async (environment, beganAt) => {
      story.begin(task, { invokedAt, beganAt, readyAt: this.time.exact, workMs: batches * this.batchMs(task) });
      await environment.train(task, beganAt + setup.timeoutSeconds.executor * 1000);
    });
  }

  /** One that is started with a message of its own. */
  invokeServer(message: DeltaMessage): void {
    void this.#serve([message]);
  }

  /** Resolves when no function is busy any more. */
  settle(): Promise<void> | undefined {
    if (this.failure !== undefined) throw this.failure;
    return this.busy === 0 ? undefined : this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.busy > 0 && this.failure === undefined) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  #drive(messages: readonly QueueMessage[]): Promise<void> {
    return this.functions.call("driver", async ({ deps }) => {
      // Of one job one after the other, as the function does it.
      for (const { body, receiveCount } of messages) {
        const message = decodeMessage(DriverMessage, body, "driver");
        await handleDriverMessage(message, deps, { redelivered: receiveCount > 1 });
      }
    });
  }

  #aggregate(messages: readonly QueueMessage[]): Promise<void> {
    return this.#serve(messages.map(({ body }) => decodeMessage(DeltaMessage, body, "deltas")));
  }

  #serve(messages: readonly DeltaMessage[]): Promise<void> {
    return this.functions.call("parameter-server", async (environment) => {
      environment.isOnPart = messages.some(({ make }) => make !== undefined);
      await handleDeltaMessages(messages, environment.deps);
      environment.isOnPart = false;
    });
  }

  #makeQueue(name: QueueName): SimulatedQueue {
    return new SimulatedQueue({
      time: this.time,
      maxReceives,
      nameMessage: () => this.unique.hex(16),
      onVisible: () => this.sources[name].wake(),
    });
  }

  #feed(name: QueueName, call: (messages: readonly QueueMessage[]) => Promise<void>): EventSource {
    const { sources, timeoutSeconds } = this.setup;
    const seconds = timeoutSeconds[name === "driver" ? "driver" : "parameter-server"];
    const setup = { ...sources[name], visibilityMs: visibilityFactor * seconds * 1000 };
    return new EventSource(this, this.queues[name], setup, call);
  }
}

export function makeClient(cloud: Cloud): Environment {
  return new Environment("client", cloud);
}
