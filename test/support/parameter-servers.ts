import {
  decodeMessage,
  DeltaMessage,
  DeltaRecord,
  DriverMessage,
  encodeTensorRecord,
  examplesOf,
  keys,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { handleDeltaMessages, joinTensors, submitJob } from "@stampede/training";
import { sameStore } from "./same-store.js";

type Operation = keyof ObjectStore;
interface Waiting {
  readonly body: string;
  readonly at: number;
}

/** A store that counts what is asked of it, and remembers the most bytes that one answer had. */
export class CountedStore implements ObjectStore {
  readonly inner: ObjectStore;
  readonly counts: Record<Operation, number> = { get: 0, head: 0, create: 0, replace: 0, list: 0, delete: 0 };
  readonly keysRead: string[] = [];
  largestRead = 0;
  bytesRead = 0;

  constructor(inner: ObjectStore) {
    this.inner = inner;
  }

  async get(...given: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    this.counts.get += 1;
    this.keysRead.push(given[0]);
    const read = await this.inner.get(...given);
    this.bytesRead += read?.body.length ?? 0;
    this.largestRead = Math.max(this.largestRead, read?.body.length ?? 0);
    return read;
  }

  head(key: string): ReturnType<ObjectStore["head"]> {
    this.counts.head += 1;
    return this.inner.head(key);
  }

  create(...given: Parameters<ObjectStore["create"]>): ReturnType<ObjectStore["create"]> {
    this.counts.create += 1;
    return this.inner.create(...given);
  }

  replace(...given: Parameters<ObjectStore["replace"]>): ReturnType<ObjectStore["replace"]> {
    this.counts.replace += 1;
    return this.inner.replace(...given);
  }

  list(prefix: string): ReturnType<ObjectStore["list"]> {
    this.counts.list += 1;
    return this.inner.list(prefix);
  }

  delete(key: string): Promise<void> {
    this.counts.delete += 1;
    return this.inner.delete(key);
  }
}

export interface ServersOptions {
  /** Warm functions that share the work. @default 1 */
  readonly environments?: number;
  /** Which environment takes the next batch. @default one after the other */
  readonly pick?: (batch: number) => number;
  /** Messages of one invocation. @default 10 */
  readonly batchSize?: number;
  readonly store?: ObjectStore;
}

/** Parameter servers over one store and one queue, in virtual time: no executors, no driver. Messages to the driver are collected. */
export class ParameterServers {
  readonly store: CountedStore;
  readonly toDriver: DriverMessage[] = [];
  /** Of each invocation, what it was handed. */
  readonly invocations: (readonly DeltaMessage[])[] = [];
  now = 1_000_000;
  readonly #environments: readonly ObjectStore[];
  readonly #options: ServersOptions;
  #waiting: Waiting[] = [];
  #unique = 0;

  constructor(options: ServersOptions = {}) {
    this.#options = options;
    this.store = new CountedStore(options.store ?? new MemoryObjectStore({ now: () => this.now }));
    this.#environments = Array.from({ length: options.environments ?? 1 }, () => sameStore(this.store));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  send(message: DeltaMessage, delayMs = 0): void {
    this.#waiting.push({ body: JSON.stringify(message), at: this.now + delayMs });
  }

  /** Loses every message that is waiting. */
  lose(): void {
    this.#waiting = [];
  }

  async submit(spec: JobSpec, weights: NamedTensors): Promise<void> {
    const deps = { store: this.store.inner, clock: { now: () => this.now }, unique: { hex: () => this.#hex() } };
    await submitJob(spec, { weights }, deps);
  }

  /** Commits a delta, as an executor would, and answers the hint that goes with it. */
  async commit(spec: JobSpec, round: number, partition: number, delta: Delta): Promise<DeltaMessage> {
    const key = keys.output(spec.job, { kind: "train", round }, partition);
    const body = encodedDelta(spec, round, partition, { attemptId: this.#hex(), ...delta });
    const found = await this.store.inner.head(key);
    const written =
      found === undefined
        ? await this.store.inner.create(key, body)
        : await this.store.inner.replace(key, body, found.etag);
    if (written === "conflict") throw new Error(`${key} is there`);
    const claim = { key, etag: written.etag, bytes: body.length };
    return { version: 1, type: "delta", job: spec.job, round, claim };
  }

  /** Delivers what is due, and what becomes due meanwhile, until nothing is left to be delivered before `until`. */
  async deliver(until = Infinity, isEnough: () => boolean = () => false): Promise<void> {
    const { batchSize = 10, pick = (batch) => batch } = this.#options;
    while (!isEnough()) {
      const next = Math.min(...this.#waiting.map(({ at }) => at));
      if (next > until || next === Infinity) break;
      this.now = Math.max(this.now, next);
      const batch = this.#waiting.filter(({ at }) => at <= this.now).slice(0, batchSize);
      this.#waiting = this.#waiting.filter((message) => !batch.includes(message));
      const environment = this.#environments[pick(this.invocations.length) % this.#environments.length];
      if (environment !== undefined) await this.#invoke(batch, environment);
    }
    if (until < Infinity) this.now = Math.max(this.now, until);
  }

  async #invoke(batch: readonly Waiting[], store: ObjectStore): Promise<void> {
    const messages = batch.map(({ body }) => decodeMessage(DeltaMessage, body, "deltas"));
    this.invocations.push(messages);
    await handleDeltaMessages(messages, {
      store,
      clock: { now: () => this.now },
      unique: { hex: () => this.#hex() },
      events: { emit: () => undefined },
      queues: {
        driver: {
          send: (body) => Promise.resolve(void this.toDriver.push(decodeMessage(DriverMessage, body, "driver"))),
        },
        deltas: {
          send: (body, { delayMs = 0 } = {}) =>
            Promise.resolve(void this.#waiting.push({ body, at: this.now + delayMs })),
        },
      },
    });
  }

  #hex(): string {
    return (this.#unique++).toString(16).padStart(16, "0");
  }
}

/** What an executor ends with. */
export interface Delta {
  readonly weights: NamedTensors;
  readonly optimizer?: NamedTensors;
  readonly norm?: number;
  readonly attemptId?: string;
  readonly computeMs?: number;
}

export function encodedDelta(
  spec: JobSpec,
  round: number,
  partition: number,
  { weights, optimizer = new Map(), norm = 1, attemptId = "a", computeMs = 1 }: Delta,
): Uint8Array {
  const examples = examplesOf(spec, round, partition);
  const record: DeltaRecord = {
    version: 1,
    job: spec.job,
    round,
    partition,
    attempt: 1,
    attemptId,
    codec: "none",
    examples,
    batches: 1,
    computeMs,
    norm,
    metrics: { loss: { kind: "mean", sums: [partition / 3, examples] } },
  };
  return encodeTensorRecord(DeltaRecord, record, joinTensors({ weights, optimizer }));
}
