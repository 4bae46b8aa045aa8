import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  toErrorFacts,
  type ErrorFacts,
  type Executors,
  type JobId,
  type QueueMessage,
  type TaskMessage,
} from "@stampede/core";
import { Executor, handleDeltaMessages, handleDriverMessage } from "@stampede/training";
import { attemptName } from "./attempt-name.js";
import { Invocation } from "./invocation.js";
import { startContainer, type Container } from "./ports.js";
import { keyOf, logUniform, mix, unit } from "./random.js";
import type { Poison } from "./shapes.js";
import type { QueueName, World } from "./world.js";

type FunctionName = "driver" | "deltas" | "executor" | "sweeper" | "client";

interface Run {
  readonly name: FunctionName;
  readonly label: string;
  readonly key: number;
  readonly killAt: number;
  /** What it is to do, for people. */
  readonly begins?: string;
  readonly job?: JobId;
  readonly poison?: Poison["kind"] | undefined;
  readonly work: (container: Container) => Promise<void>;
  readonly completed?: () => void;
  readonly failed?: (error: unknown) => void;
  readonly died?: (why: "crash" | "timeout") => void;
}

/** What a function on a queue may take before the platform ends it. */
export const functionTimeoutMs = 60_000;

/** Runs functions in containers: new ones, or such as are idle and still remember what they did before. */
export class FunctionPlatform implements Executors {
  readonly #world: World;
  readonly #idle = new Map<FunctionName, Container[]>();
  readonly running = new Set<Invocation>();
  readonly #executors = new WeakMap<Container, Executor>();
  /** How often each attempt was started. */
  readonly starts = new Map<string, number>();
  started = 0;

  constructor(world: World) {
    this.#world = world;
  }

  run({ name, label, key, killAt, begins = "begins", job, poison, work, completed, failed, died }: Run): void {
    const container = this.#take(name, key);
    const invocation = new Invocation(this.#world, {
      label,
      key,
      killAt,
      isSpared: name === "client" && this.#world.fate.sparesClients,
      job,
      poison,
      onDeath: (dead) => {
        this.running.delete(dead);
        this.#world.trace(label, dead.died === "crash" ? "dies" : "is ended by the platform: out of time");
        died?.(dead.died);
      },
    });
    container.current = invocation;
    this.running.add(invocation);
    this.#world.trace(label, begins);
    const end = (): boolean => {
      if (invocation.state !== "running") return false;
      invocation.state = "done";
      this.running.delete(invocation);
      this.#giveBack(name, container);
      return true;
    };
    work(container).then(
      () => {
        if (!end()) return;
        this.#world.trace(label, "ends");
        completed?.();
      },
      (error: unknown) => {
        if (!end()) return;
        this.#world.trace(label, `fails: ${error instanceof Error ? error.message : String(error)}`);
        this.#world.ledger.failures.push({ who: label, error, at: this.#world.time.exact });
        failed?.(error);
      },
    );
  }

  /**
   * A function that runs and waits for no port waits for something else, a module that is loaded, say: nothing may happen before that is
   * there, or histories would not be the same every time.
   */
  settle(): Promise<void> | undefined {
    for (const invocation of this.running) {
      if (invocation.waiting === 0) return turnUntil(() => invocation.waiting > 0 || invocation.state !== "running");
    }
    return undefined;
  }

  /** Every process is gone. */
  crash(): void {
    this.#idle.clear();
    for (const invocation of this.running) invocation.state = "dead";
    this.running.clear();
  }

  start(task: TaskMessage): Promise<void> {
    const name = attemptName(task);
    const count = (this.starts.get(name) ?? 0) + 1;
    this.starts.set(name, count);
    this.started += 1;
    const label = count === 1 ? name : `${name} #${count}`;
    const key = keyOf(this.#world.key, label);
    const { time, generation } = this.#world;
    this.#world.noteStart(task);
    time.at(time.exact + logUniform(5, 300, mix(key, 77)), () => {
      if (this.#world.generation === generation) this.#runExecutor(task, label, key);
    });
    return Promise.resolve();
  }

  /** Hands messages to a function, and deletes them when it has done its work. */
  consume(queue: QueueName, messages: readonly QueueMessage[], done: (isOver: boolean) => void): void {
    const [first] = messages;
    if (first === undefined) return done(false);
    const key = keyOf(mix(this.#world.key, first.receiveCount), first.id);
    const work = queue === "driver" ? drive(messages) : aggregate(messages);
    this.run({
      name: queue,
      label: `${queue} ${first.id}${first.receiveCount === 1 ? "" : `/${first.receiveCount}`}`,
      key,
      killAt: this.#world.time.exact + functionTimeoutMs,
      work,
      begins: this.#world.isTraced ? `is handed ${messages.map(({ body }) => summaryOf(body)).join("; ")}` : "",
      completed: () => done(true),
      failed: () => done(false),
      died: () => done(false),
    });
  }

  #runExecutor(task: TaskMessage, label: string, key: number): void {
    const report = (error: ErrorFacts): void => this.#reportFailure(task, error, key);
    const { time, habits } = this.#world;
    const until = habits.invocationMs && time.exact + habits.invocationMs;
    this.run({
      name: "executor",
      label,
      key,
      killAt: Math.min(task.deadlineAt, until ?? Infinity),
      job: task.job,
      poison: this.#world.poisonOf(task),
      work: (container) => this.#executorIn(container).run(task, until === undefined ? {} : { until }),
      completed: () => void this.#world.checkEnd(task),
      failed: (error) => report(toErrorFacts(error)),
      died: (why) => {
        const code = why === "timeout" ? "task.timed-out" : "task.crashed";
        report({ code, message: "The simulated platform ended it.", retryable: true });
      },
    });
  }

  #executorIn(container: Container): Executor {
    const known = this.#executors.get(container) ?? new Executor(container.deps);
    this.#executors.set(container, known);
    return known;
  }

  /** A platform SHOULD report an invocation that ended without a word: sometimes it does not. */
  #reportFailure(task: TaskMessage, error: ErrorFacts, key: number): void {
    const isTold = unit(mix(key, 78)) >= this.#world.habits.silence;
    if (!isTold) return;
    const body = encodeMessage(DriverMessage, { version: 1, type: "invocation-failed", task, error });
    this.#world.because(mix(key, 80));
    void this.#world.queues.driver.send(body);
  }

  #take(name: FunctionName, key: number): Container {
    const isWarm = unit(mix(key, 79)) < this.#world.habits.warmth;
    return (isWarm ? this.#idle.get(name)?.pop() : undefined) ?? startContainer(this.#world);
  }

  #giveBack(name: FunctionName, container: Container): void {
    container.current = undefined;
    const idle = this.#idle.get(name) ?? [];
    idle.push(container);
    this.#idle.set(name, idle);
  }
}

function drive(messages: readonly QueueMessage[]): Run["work"] {
  return async ({ deps }) => {
    for (const { body, receiveCount } of messages) {
      await handleDriverMessage(decodeMessage(DriverMessage, body, "driver"), deps, { redelivered: receiveCount > 1 });
    }
  };
}

function aggregate(messages: readonly QueueMessage[]): Run["work"] {
  return ({ deps }) =>
    handleDeltaMessages(
      messages.map(({ body }) => decodeMessage(DeltaMessage, body, "deltas")),
      deps,
    );
}

/** What is loaded when it is first needed comes from the disk: in real time, once a process. */
const patienceMs = 60_000;

async function turnUntil(isSettled: () => boolean): Promise<void> {
  const began = performance.now();
  while (!isSettled()) {
    if (performance.now() - began > patienceMs) throw new Error("A function waits for something that is no port.");
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** A message without what every message has. */
function summaryOf(body: string): string {
  return body.replaceAll(/"version":1,|["{}]/g, "").replaceAll(/,(?=\w+:)/g, " ");
}
