import {
  examplesOf,
  resolveMetrics,
  roundsOf,
  type EvaluationRecord,
  type FailureRecord,
  type JobEvent,
  type JobHead,
  type JobSpec,
  type ProgressRecord,
  type RetryRecord,
  type RoundRecord,
  type Stage,
} from "@stampede/core";
import { kernelFacts } from "../parameter-server/round-summary.js";

/** What is stored of a job, as far as somebody has looked. What was told before may be in it again. */
export interface SeenFacts {
  readonly head: JobHead | undefined;
  /** Of committed rounds, in their order. Only those that the head has left behind, or all of a job that has ended. */
  readonly records: readonly RoundRecord[];
  readonly failures: readonly FailureRecord[];
  readonly retries: readonly RetryRecord[];
  /** Of the stage that the head speaks of, here and below. */
  readonly progress: readonly ProgressRecord[];
  /** Partitions whose output is committed. */
  readonly outputs: ReadonlySet<number>;
  readonly evaluations: readonly EvaluationRecord[];
  /** Of the job; undefined while it has not ended. */
  readonly endedAt: number | undefined;
}

interface Attempt {
  readonly stage: Stage;
  readonly partition: number;
  readonly attempt: number;
}

/**
 * Tells a job's events from its facts, for whoever does not run it: the same events with the same figures as the roles tell where they
 * run, but for what is no fact. Of a running task the metrics are unknown until its round is committed, and `task.started` is when the
 * driver started it. Each event is told once, however often its fact is seen, and rounds in their order. No I/O, no clock.
 */
export class JobStory {
  readonly #spec: JobSpec;
  #stage: Stage | undefined;
  #stageStartedAt: number;
  /** The last round that was told as finished. */
  #round: number;
  readonly #started = new Set<string>();
  readonly #finished = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #retried = new Set<string>();
  /** Examples told of each attempt. */
  readonly #examples = new Map<string, number>();
  #events: JobEvent[] = [];

  /**
   * @param beganAt when the job was submitted, in milliseconds since the epoch: its first round begins then, where no head says when
   * @param afterRound rounds up to this one are history, and not told
   */
  constructor(spec: JobSpec, beganAt: number, afterRound = 0) {
    this.#spec = spec;
    this.#stageStartedAt = beganAt;
    this.#round = afterRound;
  }

  /** What the facts say that was not told yet. */
  advance(facts: SeenFacts): readonly JobEvent[] {
    this.#events = [];
    for (const record of facts.records) if (record.round > this.#round) this.#tellRound(record, facts);
    const { head } = facts;
    if (head !== undefined && !this.#isBehind(head.stage)) {
      this.#enter(head.stage, head.stageStartedAt);
      this.#tellTrouble(head.stage, facts);
      this.#tellTasks(head, facts);
    }
    return this.#events;
  }

  /** Whether all of a stage has been told: the head speaks of the last round also when the job has ended. */
  #isBehind({ kind, round }: Stage): boolean {
    return kind === "train" && round <= this.#round;
  }

  #tellRound(record: RoundRecord, facts: SeenFacts): void {
    const { round, contributions } = record;
    const stage: Stage = { kind: "train", round };
    const { job } = this.#spec;
    const { head } = facts;
    const known = head !== undefined && isSame(head.stage, stage) ? head.stageStartedAt : undefined;
    this.#enter(stage, known ?? this.#stageStartedAt);
    this.#tellTrouble(stage, facts);
    for (const { partition, attempt, examples, metrics, computeMs, lateFrom } of contributions) {
      const task = { stage: lateFrom === undefined ? stage : { ...stage, round: lateFrom }, partition, attempt };
      this.#tellStart(task, this.#stageStartedAt);
      this.#tellFinish({ ...task, examples, metrics: resolveMetrics(metrics), computeMs });
    }
    const endedAt = endOf(record, facts);
    this.#tell({
      event: "round.finished",
      job,
      round,
      rounds: roundsOf(this.#spec),
      examples: contributions.reduce((sum, { examples }) => sum + examples, 0),
      metrics: resolveMetrics(record.metrics),
      ...(record.validation && { validation: resolveMetrics(record.validation) }),
      wallMs: Math.max(0, endedAt - this.#stageStartedAt),
      slowestMs: contributions.reduce((slowest, { computeMs }) => Math.max(slowest, computeMs), 0),
      ...kernelFacts(record),
    });
    this.#round = round;
    this.#stageStartedAt = endedAt;
  }

  #enter(stage: Stage, at: number): void {
    if (this.#stage !== undefined && isSame(this.#stage, stage)) return;
    this.#stage = stage;
    this.#stageStartedAt = at;
    const rounds = this.#spec.kind === "train" ? roundsOf(this.#spec) : 0;
    this.#tell({ event: "round.started", job: this.#spec.job, stage, rounds, at });
  }

  /** Failed attempts and the ones that take their place, as they followed each other. */
  #tellTrouble(stage: Stage, { failures, retries }: SeenFacts): void {
    const news: { readonly at: number; readonly event: JobEvent }[] = [];
    for (const { stage: of, partition, attempt, failedAt, error, damagedObject, continuesAt } of failures) {
      // One that is to be continued has not failed: the retry tells of it.
      if (!isSame(of, stage) || continuesAt !== undefined) continue;
      if (!isNew(this.#failed, `${nameOf({ stage, partition, attempt })} ${damagedObject}`)) continue;
      const { code, message } = error;
      const event = { event: "task.failed", job: this.#spec.job, stage, partition, attempt, code, message } as const;
      news.push({ at: failedAt, event });
    }
    for (const { stage: of, partition, attempt, at, why, error } of retries) {
      if (!isSame(of, stage) || !isNew(this.#retried, nameOf({ stage, partition, attempt }))) continue;
      const code = error && { code: error.code };
      news.push({
        at,
        event: { event: "task.retried", job: this.#spec.job, stage, partition, attempt, why, ...code, at },
      });
    }
    for (const { event } of news.toSorted((a, b) => a.at - b.at)) this.#tell(event);
  }

  #tellTasks(head: JobHead, { progress, outputs, evaluations }: SeenFacts): void {
    const { stage } = head;
    for (const sign of progress) {
      if (!isSame(sign.stage, stage)) continue;
      const { partition, attempt, examples, totalExamples, at } = sign;
      const startedAt = startOf(head, { stage, partition, attempt });
      this.#tellStart({ stage, partition, attempt }, startedAt);
      this.#tellProgress({ stage, partition, attempt }, { examples, totalExamples, ms: at - startedAt });
    }
    const tasks = new Map(evaluations.map((evaluation) => [evaluation.partition, evaluation]));
    for (const partition of outputs) {
      const evaluation = tasks.get(partition);
      const attempt = evaluation?.attempt ?? head.tasks.attempts[partition] ?? 1;
      const task = { stage, partition, attempt };
      this.#tellStart(task, startOf(head, task));
      if (evaluation !== undefined) {
        const { examples, metrics, computeMs } = evaluation;
        this.#tellFinish({ ...task, examples, metrics: resolveMetrics(metrics), computeMs });
      } else if (stage.kind === "predict") {
        // How long it computed is not stored.
        this.#tellFinish({ ...task, examples: this.#totalOf(task), metrics: {}, computeMs: 0 });
      } else if (stage.kind === "train") {
        const all = this.#totalOf(task);
        this.#tellProgress(task, { examples: all, totalExamples: all, ms: 0 });
      }
    }
  }

  #totalOf({ stage, partition }: Attempt): number {
    return stage.kind === "train"
      ? examplesOf(this.#spec, stage.round, partition)
      : (this.#spec.partitionRows[partition] ?? 0);
  }

  #tellStart(task: Attempt, at: number): void {
    if (!this.#finished.has(placeOf(task)) && isNew(this.#started, nameOf(task))) {
      this.#tell({ event: "task.started", job: this.#spec.job, ...task, at });
    }
  }

  #tellProgress(
    task: Attempt,
    done: { readonly examples: number; readonly totalExamples: number; readonly ms: number },
  ): void {
    const { examples, totalExamples, ms } = done;
    if (this.#finished.has(placeOf(task)) || examples <= (this.#examples.get(nameOf(task)) ?? 0)) return;
    this.#examples.set(nameOf(task), examples);
    const examplesPerSecond = ms > 0 ? (examples * 1000) / ms : 0;
    const progress = { examples, totalExamples, metrics: {}, examplesPerSecond };
    this.#tell({ event: "task.progress", job: this.#spec.job, ...task, ...progress });
  }

  #tellFinish(
    task: Attempt & Pick<Extract<JobEvent, { event: "task.finished" }>, "examples" | "metrics" | "computeMs">,
  ) {
    if (isNew(this.#finished, placeOf(task))) this.#tell({ event: "task.finished", job: this.#spec.job, ...task });
  }

  #tell(event: JobEvent): void {
    this.#events.push(event);
  }
}

/** A round lasts until the next stage begins, or the job ends; where that was not seen, until its commit. */
function endOf({ round, committedAt }: RoundRecord, { head, records, endedAt }: SeenFacts): number {
  const isLast = records.at(-1)?.round === round;
  if (!isLast || head === undefined) return committedAt;
  const { stage, stageStartedAt } = head;
  const isNext = stage.kind === "train" ? stage.round === round + 1 : stage.round === round;
  if (isNext) return stageStartedAt;
  return isSame(stage, { kind: "train", round }) ? (endedAt ?? committedAt) : committedAt;
}

/** When the driver started an attempt: the head knows of the last one, and of a first one that its stage had begun. */
function startOf({ tasks, stageStartedAt }: JobHead, { partition, attempt }: Attempt): number {
  return tasks.attempts[partition] === attempt ? (tasks.startedAt[partition] ?? stageStartedAt) : stageStartedAt;
}

function isSame(a: Stage, b: Stage): boolean {
  return a.kind === b.kind && a.round === b.round;
}

function placeOf({ stage, partition }: Attempt): string {
  return `${stage.kind} ${stage.round} ${partition}`;
}

function nameOf(task: Attempt): string {
  return `${placeOf(task)} ${task.attempt}`;
}

function isNew(told: Set<string>, name: string): boolean {
  const { size } = told;
  return told.add(name).size > size;
}
