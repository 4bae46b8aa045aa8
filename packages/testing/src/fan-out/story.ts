import {
  decodeRecord,
  JobHead,
  keys,
  partitionOfOutput,
  sliceOfKey,
  type JobId,
  type TaskMessage,
} from "@stampede/core";
import type { Bill, Requests } from "./bill.js";

/** One task, in virtual ms. */
export interface TaskTimes {
  /** The driver's request was taken. */
  readonly invokedAt: number;
  /** Its environment was begun or woken: it is billed from here on. */
  readonly beganAt: number;
  readonly readyAt: number;
  /** What it computes, alone. */
  readonly workMs: number;
}

interface Task extends TaskTimes {
  committedAt: number | undefined;
}

type ReducedKind = "plans" | "sums" | "parts" | "slices";

/** What happened in a round. */
export interface RoundStory {
  readonly round: number;
  /** The head that begins it was committed. */
  readonly beganAt: number;
  readonly tasks: Map<number, Task>;
  /** When objects of its reduction were committed, by their kind. */
  readonly reduced: Readonly<Record<ReducedKind, number[]>>;
  weightsAt: number | undefined;
  /** The head that follows, or the job's result, was committed. */
  endedAt: number | undefined;
  requests: Requests;
}

/** Writes down when what was committed. */
export class Story {
  readonly rounds: RoundStory[] = [];
  readonly largest = new Map<string, number>();
  bill: Bill | undefined;
  /** Before the first round. */
  requestsBefore: Requests = {};
  hasEnded = false;
  readonly #job: JobId;

  constructor(job: JobId) {
    this.#job = job;
  }

  wrote(key: string, body: Uint8Array, bytes: number, at: number): void {
    const job = this.#job;
    const kind = kindOf(key);
    this.largest.set(kind, Math.max(this.largest.get(kind) ?? 0, bytes));
    if (key === keys.head(job)) return this.#entered(decodeRecord(JobHead, body, key).stage.round, at);
    if (key === keys.result(job)) return this.#end(at);
    const round = this.#current;
    if (round === undefined) return;
    const partition = partitionOfOutput(key, job, { kind: "train", round: round.round });
    const task = partition === undefined ? undefined : round.tasks.get(partition);
    if (task !== undefined) task.committedAt ??= at;
    const reduced = reducedKind(key, job, round.round);
    if (reduced !== undefined) round.reduced[reduced].push(at);
    if (key === keys.weights(job, round.round)) round.weightsAt = at;
  }

  begin({ stage, partition }: TaskMessage, times: TaskTimes): void {
    const round = this.rounds.find((each) => each.round === stage.round);
    if (round?.tasks.has(partition) === false) round.tasks.set(partition, { ...times, committedAt: undefined });
  }

  get #current(): RoundStory | undefined {
    return this.rounds.at(-1);
  }

  /** A head may move on within a round. */
  #entered(round: number, at: number): void {
    const before = this.#current;
    if (before?.round === round) return;
    const taken = this.bill?.takeRequests() ?? {};
    if (before === undefined) this.requestsBefore = taken;
    else Object.assign(before, { endedAt: at, requests: taken });
    this.rounds.push({
      round,
      beganAt: at,
      tasks: new Map(),
      reduced: { plans: [], sums: [], parts: [], slices: [] },
      weightsAt: undefined,
      endedAt: undefined,
      requests: {},
    });
  }

  #end(at: number): void {
    this.hasEnded = true;
    const last = this.#current;
    if (last !== undefined) Object.assign(last, { endedAt: at, requests: this.bill?.takeRequests() ?? {} });
  }
}

function reducedKind(key: string, job: JobId, round: number): ReducedKind | undefined {
  if (sliceOfKey(key, job, round) !== undefined) return "slices";
  const folder = keys.reduction(job, round);
  const [kind] = key.startsWith(folder) ? key.slice(folder.length).split("/") : [];
  return kind === "plans" || kind === "sums" || kind === "parts" ? kind : undefined;
}

/** The folder or file that an object is in, whatever its job, round, group and partition. */
function kindOf(key: string): string {
  return key.split("/").findLast((name) => !/^\d/.test(name)) ?? "";
}
