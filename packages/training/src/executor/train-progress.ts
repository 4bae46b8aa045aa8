import {
  kernelKinds,
  maxKernelReason,
  mergeMetrics,
  resolveMetrics,
  type KernelKind,
  type MetricStates,
  type TrainOutcome,
} from "@stampede/core";
import type { Checkpoint } from "./checkpoints.js";
import type { TaskContext } from "./task-context.js";

/** What a task has trained. */
export interface Trained {
  readonly examples: number;
  readonly batches: number;
  readonly metrics: MetricStates;
}

/** Adds up what was trained, by all attempts that the work goes on from, and tells it. */
export class TrainProgress {
  readonly #context: TaskContext;
  readonly #totalExamples: number;
  readonly #began: number;
  /** Of earlier attempts. */
  readonly #examplesBefore: number;
  #sum: Trained;
  readonly #kernels: Set<KernelKind>;
  #kernelReason: string | undefined;

  constructor(context: TaskContext, totalExamples: number, from: Checkpoint | undefined) {
    this.#context = context;
    this.#totalExamples = totalExamples;
    this.#began = context.deps.clock.now();
    const { examples = 0, batches = 0, metrics = {}, blocks = [] } = from?.record ?? {};
    this.#kernels = new Set(blocks);
    this.#examplesBefore = examples;
    this.#sum = { examples, batches, metrics };
    context.heartbeat.add(examples);
  }

  get isDone(): boolean {
    return this.#sum.examples >= this.#totalExamples;
  }

  /** Why they are not the processor's own, cut to what a record holds. */
  get kernelReason(): string | undefined {
    return this.#kernelReason?.slice(0, maxKernelReason);
  }

  /** Which have trained it so far. */
  get kernels(): KernelKind[] {
    return kernelKinds(this.#kernels);
  }

  get sum(): Trained {
    return this.#sum;
  }

  /** Metrics are added batch by batch, so that where the work was cut changes no bit. */
  add(outcome: TrainOutcome): void {
    const { task, deps, heartbeat } = this.#context;
    const { job, stage, partition, attempt } = task;
    const examples = this.#sum.examples + outcome.examples;
    const batches = this.#sum.batches + outcome.batches.length;
    const metrics = mergeMetrics([this.#sum.metrics, ...outcome.batches]);
    this.#sum = { examples, batches, metrics };
    this.#kernels.add(outcome.block ?? 0);
    this.#kernelReason = outcome.kernelReason;
    heartbeat.add(outcome.examples);
    const elapsedMs = Math.max(1, deps.clock.now() - this.#began);
    deps.events.emit({
      event: "task.progress",
      job,
      stage,
      partition,
      attempt,
      examples,
      totalExamples: this.#totalExamples,
      metrics: resolveMetrics(metrics),
      examplesPerSecond: ((examples - this.#examplesBefore) * 1000) / elapsedMs,
    });
  }
}
