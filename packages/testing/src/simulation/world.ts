import {
  keys,
  type DriverMessage,
  type EventSink,
  type JobId,
  type ObjectStore,
  type TaskMessage,
} from "@stampede/core";
import type { DriverDeps, ExecutorDeps } from "@stampede/training";
import type { Operation } from "../faults/faults.js";
import { Consumer } from "./consumer.js";
import { attemptName } from "./attempt-name.js";
import { FunctionPlatform } from "./functions.js";
import type { Invocation, Turn } from "./invocation.js";
import type { Ledger } from "./ledger.js";
import { keyOf, logUniform, mix } from "./random.js";
import type { Poison } from "./shapes.js";
import { SimulatedQueue } from "./simulated-queue.js";
import type { TraceEntry } from "./timeline.js";
import { VirtualTime } from "./virtual-time.js";
import type { Fate } from "./weather.js";
import { WorldStore } from "./world-store.js";

export type QueueName = "driver" | "deltas";

/** How the platform is set up. */
export interface Habits {
  /** The share of invocations that find a warm container, if there is one. */
  readonly warmth: number;
  /** The share of invocations that end without a word and of which nobody is told. */
  readonly silence: number;
  readonly latencyMs: readonly [number, number];
  /** Objects that one request lists. */
  readonly pageSize: number;
  /** Messages that one invocation is handed. */
  readonly batchSize: number;
  /** Invocations on one queue at the same time. */
  readonly concurrency: number;
  readonly visibilityMs: number;
  readonly maxReceives: number;
  readonly sweepMs: number;
  /** What an executor keeps of partitions. */
  readonly residentBytes: number;
  /** How long an engine works at one batch. */
  readonly batchMs: number;
  /** What the platform gives an executor's invocation; undefined where only its task's deadline counts. */
  readonly invocationMs: number | undefined;
}

export interface WorldParts {
  readonly key: number;
  readonly fate: Fate;
  readonly habits: Habits;
  readonly ledger: Ledger;
  readonly datasets: ObjectStore;
  readonly poisonOf: (job: JobId) => Poison | undefined;
  readonly startAt: number;
  readonly onTrace?: (entry: TraceEntry) => void;
}

/** What somebody outside of the cloud works with. */
export interface ClientDeps extends DriverDeps {
  readonly tell: (message: DriverMessage) => Promise<void>;
}

/** Storage, queues and functions in virtual time. */
export class World {
  readonly key: number;
  readonly fate: Fate;
  readonly habits: Habits;
  readonly ledger: Ledger;
  readonly store: WorldStore;
  /** Nobody listens. */
  readonly events: EventSink = { emit: () => undefined };
  readonly time: VirtualTime;
  readonly queues: Readonly<Record<QueueName, SimulatedQueue>>;
  readonly functions: FunctionPlatform;
  /** Goes up when the machine goes down: what was begun before is gone. */
  generation = 0;
  steps = 0;
  /** Follows from all that happened, in its order. */
  fingerprint = 0;
  readonly #parts: WorldParts;
  readonly #consumers: Readonly<Record<QueueName, Consumer>>;
  #unique = 0;
  #cause = 0;
  #effects = 0;
  #actor: Invocation | undefined;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    const { key, fate, habits, ledger, datasets, startAt } = parts;
    this.key = key;
    this.fate = fate;
    this.habits = habits;
    this.ledger = ledger;
    this.time = new VirtualTime(startAt);
    this.store = new WorldStore({
      time: this.time,
      ledger,
      datasets,
      who: () => this.#actor?.label ?? "nobody",
      onPerishable: (objectKey, etag) => this.#exposeToDecay(objectKey, etag),
    });
    this.queues = { driver: this.#makeQueue("driver"), deltas: this.#makeQueue("deltas") };
    this.functions = new FunctionPlatform(this);
    this.#consumers = { driver: new Consumer(this, "driver"), deltas: new Consumer(this, "deltas") };
  }

  latencyAt(point: number): number {
    const [min, max] = this.habits.latencyMs;
    return logUniform(min, max, mix(point, 5));
  }

  /** A name that no other has. */
  nextUnique(digits: number): string {
    this.#unique += 1;
    return this.#unique.toString(16).padStart(digits, "0");
  }

  /** What is sent or written from now on follows from this: messages are named after what sends them. */
  because(point: number): void {
    this.#cause = point;
    this.#effects = 0;
  }

  /** What is written and started from now on is this one's doing. */
  actAs(invocation: Invocation | undefined): void {
    this.#actor = invocation;
  }

  /** An operation takes its turn. */
  step(invocation: Invocation, { name, subject }: Operation, point: number, fault: Turn): void {
    this.steps += 1;
    const { label } = invocation;
    this.actAs(invocation);
    this.because(point);
    this.fingerprint = mix(mix(this.fingerprint, point), Math.floor(this.time.exact * 1000));
    if (this.#parts.onTrace === undefined) return;
    this.trace(label, `${name} ${shortened(subject)}`, fault && describe(fault));
  }

  trace(who: string, what: string, fault?: string): void {
    const at = this.time.exact - this.#parts.startAt;
    this.#parts.onTrace?.({ at, who, what, ...(fault !== undefined && { fault }) });
  }

  get isTraced(): boolean {
    return this.#parts.onTrace !== undefined;
  }

  poisonOf({ job, stage, partition }: TaskMessage): Poison["kind"] | undefined {
    const poison = this.#parts.poisonOf(job);
    const isMeant = poison?.partition === partition && stage.round >= poison.fromRound;
    // What no engine is asked for cannot fail in one.
    return isMeant && (poison.kind !== "not-finite" || stage.kind === "train") ? poison.kind : undefined;
  }

  /** An executor is asked to do a task. */
  noteStart(task: TaskMessage): void {
    const by = this.#actor;
    this.ledger.starts.push({
      task,
      at: this.time.exact,
      by: by?.label ?? "",
      functionBeganAt: by?.beganAt ?? this.time.exact,
    });
    if (this.isTraced) this.trace("platform", `takes over ${attemptName(task)}`);
  }

  /** An executor's function has ended without an error: there must be something to show for it. */
  async checkEnd(task: TaskMessage): Promise<void> {
    const { job, stage, partition, attempt, attemptId } = task;
    const proofs = [
      keys.output(job, stage, partition),
      keys.failure(job, stage, partition, attempt),
      // It gave up, because the job or its round had ended.
      keys.cancel(job),
      keys.result(job),
      ...(stage.kind === "train" ? [keys.weights(job, stage.round)] : []),
    ];
    const found = await Promise.all(proofs.map((proof) => this.store.head(proof)));
    if (found.some((info) => info !== undefined)) return;
    this.ledger.wrongs.push(
      `executor ${attemptId} of partition ${partition} ended with neither an output nor a failure`,
    );
  }

  runClient(what: string, work: (deps: ClientDeps & ExecutorDeps) => Promise<void>): void {
    this.functions.run({
      name: "client",
      label: what,
      key: keyOf(this.key, what),
      killAt: Infinity,
      work: ({ deps }) => {
        const tell: ClientDeps["tell"] = (message) => deps.queues.driver.send(JSON.stringify(message));
        return work({ ...deps, tell });
      },
    });
  }

  /** Everything that lives in memory is gone. */
  crash(): void {
    this.trace("machine", "goes down: all functions, queues and timers are gone");
    this.generation += 1;
    this.functions.crash();
    for (const consumer of Object.values(this.#consumers)) consumer.crash();
    for (const queue of Object.values(this.queues)) queue.clear();
  }

  #makeQueue(name: QueueName): SimulatedQueue {
    const { maxReceives } = this.habits;
    const nameMessage = (): string => {
      this.#effects += 1;
      return `${name}-${mix(this.#cause, this.#effects).toString(36)}`;
    };
    return new SimulatedQueue({
      time: this.time,
      maxReceives,
      nameMessage,
      onVisible: () => this.#consumers[name].wake(),
    });
  }

  #exposeToDecay(objectKey: string, etag: string): void {
    if (!this.fate.knows("decays")) return;
    const point = mix(keyOf(this.key, objectKey), versionOf(this.ledger, objectKey));
    const fault = this.fate.ofObject(point);
    if (fault === undefined) return;
    const { kind, amount } = fault;
    this.fate.note({ point, kind, amount, at: this.time.exact, who: "storage", what: objectKey });
    this.time.after(logUniform(1, 600_000, mix(point, 6)), () => {
      this.trace("storage", `one bit of ${shortened(objectKey)} becomes wrong`, "decays");
      void this.store.decay(objectKey, etag, amount);
    });
  }
}

function versionOf({ writes }: Ledger, key: string): number {
  return writes.reduce((count, write) => count + (write.key === key ? 1 : 0), 0);
}

function describe({ kind, amount }: NonNullable<Turn>): string {
  return amount === 0 ? kind : `${kind} (${amount < 1 && amount > 0 ? amount.toFixed(3) : Math.round(amount)})`;
}

/** Without what is the same everywhere. */
function shortened(subject: string): string {
  return subject.replace(/^datasets\/[0-9a-f]{58}/, "datasets/...");
}
