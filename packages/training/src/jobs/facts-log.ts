import {
  isDamage,
  isStampedeError,
  keys,
  resolveMetrics,
  roundsOf,
  type FailureRecord,
  type JobEvent,
  type JobHead,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
  type RetryRecord,
  type RoundRecord,
  type Stage,
} from "@stampede/core";
import { findRequest } from "../request/read-request.js";
import { readFailures, readRetries } from "../store/attempt-store.js";
import { readHead, readResult, readSpec } from "../store/job-store.js";
import { readBeginning } from "./beginning.js";
import { endedBadly, summaryOf } from "./endings.js";
import { JobStory, type SeenFacts } from "./events-from-facts.js";
import { readRounds, readSomeRounds } from "./history.js";
import { troubledStages } from "./life.js";
import { StageWatch, type StageFacts } from "./stage-watch.js";

/** Signs of life move every 10 s: no listing finds more. */
const longestListMs = 10_000;
const shortestListMs = 2_000;

/** What is told: everything; what follows a round; or what follows the rounds that are over when the job is first looked at. */
export type LogStart = "beginning" | { readonly afterRound: number } | "now";

interface Watched {
  readonly spec: JobSpec;
  readonly story: JobStory;
  readonly submitted: JobEvent;
  /** The first round that is told. */
  readonly firstRound: number;
}

/**
 * The log of a job that others run, from its facts alone. A look takes two requests while nothing is new; what is new costs one request
 * a round, and a listing of the stage's folder now and then.
 */
export class FactsLog {
  readonly #store: ObjectStore;
  readonly #job: JobId;
  readonly #from: LogStart;
  #watched: Watched | undefined;
  #head: { readonly head: JobHead; readonly etag: string } | undefined;
  #stageWatch: StageWatch | undefined;
  #lastRound: number | undefined;
  #listAt = -Infinity;
  #result: JobResult | undefined;

  constructor(store: ObjectStore, job: JobId, from: LogStart) {
    this.#store = store;
    this.#job = job;
    this.#from = from;
  }

  /** Once it was seen. Everything has been told then. */
  get result(): JobResult | undefined {
    return this.#result;
  }

  /** How the job began, once it was looked at. */
  get submitted(): JobEvent | undefined {
    return this.#watched?.submitted;
  }

  /**
   * What has happened since the last look.
   * @param now milliseconds since the epoch
   * @throws StampedeError `job.not-found`, `store.*`; what it was about to tell is told by the next look
   */
  async look(now: number): Promise<readonly JobEvent[]> {
    if (this.#result !== undefined) return [];
    // In this order: the head of a job that has ended moves no more.
    const result = await this.#readResult();
    const head = await this.#readHead();
    const isFirst = this.#watched === undefined;
    const watched = this.#watched ?? (await this.#begin(head?.head, result));
    if (watched === undefined) {
      this.#result = result;
      return [];
    }
    const records = await this.#newRecords(watched, head?.head, result);
    const wholeLife = isFirst && this.#from === "beginning";
    const stages = await (wholeLife ? troubledStages(this.#store, watched.spec) : troubledIn(records));
    const trouble = await this.#readTrouble(stages);
    // Last, because it remembers what it has read.
    const stage = await this.#lookAtStage(watched.spec, head, result !== undefined, now);
    const facts: SeenFacts = {
      head: head?.head,
      records,
      ...stage,
      failures: [...trouble.failures, ...stage.failures],
      retries: [...trouble.retries, ...stage.retries],
      endedAt: result?.endedAt,
    };
    // From here on nothing fails: a look that failed is repeated as it was.
    this.#watched = watched;
    this.#head = head;
    this.#lastRound = records.at(-1)?.round ?? this.#lastRound;
    this.#result = result;
    return watched.story.advance(facts);
  }

  /** The last word about a job that has ended: what the process that had submitted it says, without where it saved what came of it. */
  async lastWord(): Promise<JobEvent | undefined> {
    const result = this.#result;
    if (result === undefined) return undefined;
    const job = this.#job;
    if (this.#watched === undefined || result.status !== "succeeded") {
      const { code, message } = endedBadly(job, result);
      return { event: "job.failed", job, code, message };
    }
    const { spec } = this.#watched;
    const wallMs = Math.max(0, result.endedAt - spec.createdAt);
    if (spec.kind === "train") return summaryOf(this.#store, spec, result, wallMs);
    const metrics = resolveMetrics(result.metrics);
    return { event: "job.succeeded", job, metrics, rounds: 0, executors: spec.partitions, wallMs, computeMs: 0 };
  }

  /** Undefined while the cloud is preparing the job of a request, and where that failed. */
  async #begin(head: JobHead | undefined, result: JobResult | undefined): Promise<Watched | undefined> {
    const spec = await readSpec(this.#store, this.#job).catch(async (error: unknown) => {
      const isThere = result !== undefined || (await findRequest(this.#store, this.#job)) !== undefined;
      if (isThere && isStampedeError(error) && error.code === "job.not-found") return undefined;
      throw error;
    });
    if (spec === undefined) return undefined;
    const { submitted, beganAt: submittedAt } = await readBeginning(this.#store, spec, result);
    const over = roundsOver(this.#from, head);
    const beganAt = typeof this.#from === "object" ? await this.#endOf(spec, over, result) : undefined;
    return { spec, submitted, firstRound: over + 1, story: new JobStory(spec, beganAt ?? submittedAt, over) };
  }

  /** When a round was committed, and so the next one began; undefined where nobody can tell. */
  async #endOf(spec: JobSpec, round: number, result: JobResult | undefined): Promise<number | undefined> {
    if (spec.kind !== "train" || round === 0) return undefined;
    const [own] = await readSomeRounds(this.#store, spec.job, round, round);
    // A garbage collection may have taken it, and kept what it says.
    const kept =
      own ?? (await readRounds(this.#store, spec, round, result)).records.find((each) => each.round === round);
    return kept?.committedAt;
  }

  async #readResult(): Promise<JobResult | undefined> {
    const found = await this.#store.head(keys.result(this.#job));
    return found && readResult(this.#store, this.#job);
  }

  async #readHead(): Promise<{ readonly head: JobHead; readonly etag: string } | undefined> {
    const found = await this.#store.head(keys.head(this.#job));
    if (found === undefined || found.etag === this.#head?.etag) return this.#head;
    return readHead(this.#store, this.#job).catch((error: unknown) => {
      // The driver finds it damaged too, and ends the job.
      if (isDamage(error)) return this.#head;
      throw error;
    });
  }

  /** Rounds that the head has left behind; of a job that has ended, all. */
  async #newRecords(
    { spec, firstRound }: Watched,
    head: JobHead | undefined,
    result: JobResult | undefined,
  ): Promise<readonly RoundRecord[]> {
    if (spec.kind !== "train" || head === undefined) return [];
    const from = this.#lastRound === undefined ? firstRound : this.#lastRound + 1;
    if (result === undefined) return readSomeRounds(this.#store, spec.job, from, roundsBefore(head.stage));
    const upTo = Math.min(roundsOf(spec), head.stage.round);
    const own = await readSomeRounds(this.#store, spec.job, from, upTo);
    if (own.length >= upTo - from + 1) return own;
    // A garbage collection may have taken some, and kept what they say.
    const all = await readRounds(this.#store, spec, upTo, result);
    return all.records.filter(({ round }) => round >= from);
  }

  async #lookAtStage(
    spec: JobSpec,
    head: { readonly head: JobHead; readonly etag: string } | undefined,
    isOver: boolean,
    now: number,
  ): Promise<StageFacts> {
    const none = { progress: [], outputs: new Set<number>(), evaluations: [], failures: [], retries: [] };
    if (head === undefined) return none;
    const { stage, stageStartedAt } = head.head;
    const isNew = this.#stageWatch?.isOf(stage) !== true;
    if (isNew) {
      this.#stageWatch = new StageWatch(this.#store, spec.job, stage);
      this.#listAt = now + shortestListMs;
    }
    // Whatever the driver decides about a stage, it has seen something there.
    const hasMoved = !isNew && head.etag !== this.#head?.etag;
    if (!isOver && !hasMoved && now < this.#listAt) return none;
    this.#listAt = now + Math.max(shortestListMs, Math.min(longestListMs, now - stageStartedAt));
    // Nobody is alive any more.
    return this.#stageWatch?.look({ signs: !isOver }) ?? none;
  }

  async #readTrouble(
    stages: readonly Stage[],
  ): Promise<{ readonly failures: readonly FailureRecord[]; readonly retries: readonly RetryRecord[] }> {
    const found = { failures: [] as FailureRecord[], retries: [] as RetryRecord[] };
    for (const stage of stages) {
      const [failures, retries] = await Promise.all([
        readFailures(this.#store, this.#job, stage),
        readRetries(this.#store, this.#job, stage),
      ]);
      found.failures.push(...failures);
      found.retries.push(...retries);
    }
    return found;
  }
}

/** Rounds that are not told. */
function roundsOver(from: LogStart, head: JobHead | undefined): number {
  if (typeof from === "object") return from.afterRound;
  return from === "beginning" || head === undefined ? 0 : roundsBefore(head.stage);
}

/** Rounds that are over while a job is in a stage. */
function roundsBefore({ kind, round }: Stage): number {
  return kind === "train" ? round - 1 : round;
}

/** Where a later attempt counted, one before it had failed, or was slow. */
function troubledIn(records: readonly RoundRecord[]): readonly Stage[] {
  return records
    .filter(({ contributions }) => contributions.some(({ attempt }) => attempt > 1))
    .map(({ round }) => ({ kind: "train", round }));
}
