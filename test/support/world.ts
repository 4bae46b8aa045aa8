import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  type Engine,
  type JobEvent,
  type JobResult,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type TaskMessage,
} from "@stampede/core";
import { MemoryObjectStore, tinyEngine } from "@stampede/testing";
import {
  Executor,
  handleDeltaMessages,
  handleDriverMessage,
  readHead,
  readResult,
  readWeights,
  submitJob,
  type DriverDeps,
  type ExecutorDeps,
  type Graphs,
} from "@stampede/training";
import { sameStore } from "./same-store.js";

type Event =
  | { readonly to: "driver"; readonly body: string; readonly at: number }
  | { readonly to: "deltas"; readonly body: string; readonly at: number }
  | { readonly to: "executor"; readonly task: TaskMessage; readonly at: number };

/** What may happen to an event that is due. */
type Fate = "deliver" | "lose" | "double";

export interface WorldOptions {
  /** Which of the due events comes next. @default the oldest */
  readonly pick?: (due: number) => number;
  readonly fateOf?: (event: Event) => Fate;
  readonly store?: ObjectStore;
  /** @default the tiny engine */
  readonly engine?: Engine;
  /** Stored with a job that is submitted. */
  readonly graphs?: Graphs;
  /** How much time passes with every look at the clock: it decides how executors cut their work. @default none */
  readonly msPerLook?: number;
  /** How long after its start a task begins, in ms. @default 0 */
  readonly startsAfter?: (task: TaskMessage) => number;
  /** The memory that executors say they use. */
  readonly usedBytes?: () => number;
  /** How long the invocation of a task may last, in ms. @default until the task's deadline */
  readonly invocationMs?: (task: TaskMessage) => number;
  /** One executor does every task and remembers what it may; else each task has one that was started a moment ago. */
  readonly warm?: boolean;
}

/**
 * The roles of a job in one process: real use cases over a real store, with a virtual clock and a schedule that the test
 * chooses. Time passes only when nothing is due.
 */
export class World {
  readonly store: ObjectStore;
  readonly events: JobEvent[] = [];
  readonly started: TaskMessage[] = [];
  #now = 1_000_000;
  #unique = 0;
  #pending: Event[] = [];
  #warm: Executor | undefined;
  /** The store as the functions of one machine see it: what they remember hangs on it. */
  #machine: ObjectStore;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.store = options.store ?? new MemoryObjectStore();
    this.#machine = sameStore(this.store);
  }

  get deps(): DriverDeps & ExecutorDeps {
    const send =
      (to: "driver" | "deltas") =>
      (body: string, { delayMs = 0 }: { readonly delayMs?: number } = {}) => {
        this.#pending.push({ to, body, at: this.#now + delayMs });
        return Promise.resolve();
      };
    return {
      store: this.#machine,
      queues: { driver: { send: send("driver") }, deltas: { send: send("deltas") } },
      clock: { now: () => (this.#now += this.#options.msPerLook ?? 0) },
      unique: { hex: (digits) => (this.#unique++).toString(16).padStart(digits, "0") },
      events: { emit: (event) => void this.events.push(event) },
      engine: () => Promise.resolve(this.#options.engine ?? tinyEngine),
      residentBytes: 1_000_000,
      ...(this.#options.usedBytes && { usedBytes: this.#options.usedBytes }),
      executors: {
        start: (task) => {
          this.started.push(task);
          const at = this.#now + (this.#options.startsAfter?.(task) ?? 0);
          this.#pending.push({ to: "executor", task, at });
          return Promise.resolve();
        },
      },
    };
  }

  /** Stores the job, whose data set is already there, and tells the driver. */
  async submit(spec: JobSpec, weights: NamedTensors): Promise<void> {
    const { store, clock, unique } = this.deps;
    await submitJob(spec, { weights, graphs: this.#options.graphs }, { store, clock, unique });
    this.tell({ version: 1, type: "look", job: spec.job, reason: "submitted" });
  }

  tell(message: DriverMessage): void {
    this.#pending.push({ to: "driver", body: JSON.stringify(message), at: this.#now });
  }

  /** Everything under way is gone, as after a power cut. */
  crash(): void {
    this.#pending = [];
    this.#warm = undefined;
    this.#machine = sameStore(this.store);
    this.#now += 1000;
  }

  /** Tells the driver that the job goes on after a crash. */
  async resume({ job }: JobSpec): Promise<void> {
    const read = await readHead(this.store, job);
    if (read === undefined) this.tell({ version: 1, type: "look", job, reason: "submitted" });
    else this.tell({ version: 1, type: "resumed", job, head: read.head.token });
  }

  /** Lets things happen until nothing is left to happen, or `until` says so. Answers the job's result, if there is one. */
  async run(spec: JobSpec, until: () => boolean = () => false, limit = 20_000): Promise<JobResult | undefined> {
    for (let step = 0; step < limit && this.#pending.length > 0 && !until(); step += 1) {
      if (!this.#pending.some(({ at }) => at <= this.#now)) {
        this.#now = Math.min(...this.#pending.map(({ at }) => at));
      }
      const due = this.#pending.filter(({ at }) => at <= this.#now);
      const event = due[this.#options.pick?.(due.length) ?? 0];
      if (event === undefined) throw new Error("pick() chose an event that is not there");
      const fate = this.#options.fateOf?.(event) ?? "deliver";
      if (fate !== "double") this.#pending.splice(this.#pending.indexOf(event), 1);
      if (fate !== "lose") await this.#deliver(event);
    }
    return readResult(this.store, spec.job);
  }

  async weights(spec: JobSpec, round: number): Promise<NamedTensors> {
    return (await readWeights(this.store, spec.job, round)).tensors;
  }

  async #deliver(event: Event): Promise<void> {
    if (event.to === "executor") {
      const executor = this.#warm ?? new Executor(this.deps);
      if (this.#options.warm === true) this.#warm = executor;
      const { invocationMs } = this.#options;
      return executor.run(event.task, invocationMs && { until: this.#now + invocationMs(event.task) });
    }
    if (event.to === "deltas") {
      return handleDeltaMessages([decodeMessage(DeltaMessage, event.body, "deltas")], this.deps);
    }
    await handleDriverMessage(decodeMessage(DriverMessage, event.body, "driver"), this.deps);
  }
}
