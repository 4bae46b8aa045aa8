import type { JobId } from "@stampede/core";
import type { Fault, Operation } from "../faults/faults.js";
import { keyOf, mix } from "./random.js";
import type { OperationFault, SimulatedFault } from "./weather.js";
import type { Poison } from "./shapes.js";
import { isPortFault } from "./weather.js";
import type { World } from "./world.js";

/** A fault that was noted and is to be carried out. */
export type Turn = OperationFault | undefined;

export interface InvocationParts {
  readonly label: string;
  readonly key: number;
  /** When the platform ends it. */
  readonly killAt: number;
  /** Nothing goes wrong with it. */
  readonly isSpared: boolean;
  /** Whose task it does. */
  readonly job: JobId | undefined;
  /** How its task fails, in every attempt. */
  readonly poison: Poison["kind"] | undefined;
  readonly onDeath: (invocation: Invocation) => void;
}

/**
 * One run of a function. Every operation on a port passes through it: there the function waits for its turn, may die before or after
 * the operation, and may freeze.
 */
export class Invocation {
  readonly label: string;
  readonly job: JobId | undefined;
  readonly key: number;
  readonly beganAt: number;
  /** Operations that wait for their turn or their answer. */
  waiting = 0;
  state: "running" | "done" | "dead" = "running";
  /** How many times as long as usual its work takes. */
  slowness = 1;
  /** Why it died. */
  died: "crash" | "timeout" = "crash";
  readonly #world: World;
  readonly #killAt: number;
  readonly #isSpared: boolean;
  readonly #poison: Poison["kind"] | undefined;
  readonly #onDeath: (invocation: Invocation) => void;
  #frozenUntil = 0;
  /** Nobody ends it any more: it was frozen, and the platform has lost sight of it. */
  #isZombie = false;
  #operations = 0;
  #calls = 0;

  constructor(world: World, { label, key, killAt, isSpared, job, poison, onDeath }: InvocationParts) {
    this.#world = world;
    this.label = label;
    this.job = job;
    this.key = key;
    this.beganAt = world.time.exact;
    this.#killAt = killAt;
    this.#isSpared = isSpared;
    this.#poison = poison;
    this.#onDeath = onDeath;
    const point = mix(key, 0xffff);
    const fault = isSpared ? undefined : world.fate.ofInvocation(point);
    if (fault === undefined) return;
    this.slowness = fault.amount;
    this.#note(point, "invocation", fault);
  }

  get isZombie(): boolean {
    return this.#isZombie;
  }

  /** Resolves when it is this operation's turn; never for a function that has died. */
  pass(operation: Operation, costMs: number): Promise<Turn> {
    const point = mix(this.key, this.#operations);
    this.#operations += 1;
    this.waiting += 1;
    const poisoned = this.#poisoned(operation);
    const fault = poisoned ?? this.#drawn(point, operation);
    if (fault !== undefined && poisoned === undefined) {
      this.#note(point, `${operation.name} ${operation.subject}`, fault);
    }
    if (fault?.kind === "freezes") this.#freeze(fault.amount);
    const latency = this.#world.latencyAt(point) + costMs * this.slowness;
    return new Promise((resolve) => {
      this.#arriveAt(this.#world.time.exact + latency, operation, point, fault, resolve);
    });
  }

  /** What goes wrong with an operation that does not leave the function. */
  faultOf({ name, subject }: Operation): Fault | undefined {
    const point = mix(keyOf(this.key, name), this.#calls);
    this.#calls += 1;
    const poisoned = this.#poisoned({ name, subject });
    if (poisoned !== undefined && isPortFault(poisoned)) return poisoned;
    const fault = this.#isSpared ? undefined : this.#world.fate.ofCall(point, name);
    if (fault !== undefined) this.#note(point, `${name} ${subject}`, fault);
    return fault;
  }

  /** The answer of an operation in which something went wrong: it may come too late. */
  async answer<T>(turn: OperationFault, result: Promise<T>): Promise<T> {
    this.waiting += 1;
    let isAnswered = false;
    // The platform does not wait for an answer that is late.
    const isLate = turn.kind === "slow" || turn.kind === "answered-late";
    if (isLate && this.#killAt < Infinity) {
      this.#world.time.at(this.#killAt, () => {
        if (!isAnswered && !this.#isZombie) this.die("timeout");
      });
    }
    const settled = await result.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    isAnswered = true;
    if (turn.kind === "dies-after") this.die("crash");
    await this.#awake();
    this.waiting -= 1;
    if ("error" in settled) throw settled.error;
    return settled.value;
  }

  die(why: "crash" | "timeout"): void {
    if (this.state !== "running") return;
    this.state = "dead";
    this.died = why;
    this.#onDeath(this);
  }

  #drawn(point: number, { name }: Operation): Turn {
    return this.#isSpared ? undefined : this.#world.fate.ofOperation(point, name);
  }

  /** What a poisoned task meets in every attempt, warm or cold, with examples or without. */
  #poisoned({ name }: Operation): Turn {
    if (this.#poison === undefined || name !== poisonedAt[this.#poison]) return undefined;
    return { kind: this.#poison, amount: 0 };
  }

  #arriveAt(at: number, operation: Operation, point: number, fault: Turn, resolve: (turn: Turn) => void): void {
    const { time } = this.#world;
    if (at > this.#killAt && !this.#isZombie) {
      time.at(this.#killAt, () => {
        if (this.#isZombie) this.#arriveAt(at, operation, point, fault, resolve);
        else this.die("timeout");
      });
      return;
    }
    time.at(at, () => {
      if (this.state !== "running") return;
      if (time.exact < this.#frozenUntil) return this.#arriveAt(this.#frozenUntil, operation, point, fault, resolve);
      this.#world.step(this, operation, point, fault);
      if (fault?.kind === "dies-before") return this.die("crash");
      this.waiting -= 1;
      resolve(fault);
    });
  }

  /** Resolves when the function is not frozen; never when it is dead. */
  #awake(): Promise<void> {
    if (this.state === "running" && this.#world.time.exact >= this.#frozenUntil) return Promise.resolve();
    return new Promise((resolve) => {
      if (this.state === "running") this.#world.time.at(this.#frozenUntil, () => void this.#awake().then(resolve));
    });
  }

  #freeze(ms: number): void {
    this.#isZombie = true;
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#world.time.exact + ms);
  }

  #note(point: number, what: string, { kind, amount }: SimulatedFault): void {
    this.#world.fate.note({ point, kind, amount, at: this.#world.time.exact, who: this.label, what });
  }
}

const poisonedAt = {
  fails: "engine.load",
  "out-of-memory": "engine.load",
  "not-finite": "engine.save",
  "dies-before": "store.head",
} as const satisfies Record<Poison["kind"], Operation["name"]>;
