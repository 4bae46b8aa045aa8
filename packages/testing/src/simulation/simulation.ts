import {
  keys,
  tensorOf,
  type JobId,
  type JobResult,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { cancelJob, exists, readHead, readResult, submitJob, sweepJobs } from "@stampede/training";
import { Datasets } from "./datasets.js";
import { Ledger } from "./ledger.js";
import { keyOf, logUniform, mix } from "./random.js";
import type { JobPlan, Scenario } from "./scenario.js";
import { specOf } from "./shapes.js";
import type { TraceEntry } from "./timeline.js";
import { Fate, type Injected } from "./weather.js";
import { World } from "./world.js";

const datasets = new Datasets();
/** When every history begins, in ms since the epoch. */
export const startAt = 1_000_000_000;
const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);

export interface JobHistory {
  readonly plan: JobPlan;
  readonly spec: JobSpec;
  /** Undefined where the job has not ended, or was never stored. */
  readonly result: JobResult | undefined;
  readonly isStored: boolean;
}

/** What has happened, down to the last detail. */
export interface History {
  readonly scenario: Scenario;
  readonly jobs: readonly JobHistory[];
  readonly injected: readonly Injected[];
  readonly ledger: Ledger;
  /** As it lies there in the end, without anything between it and who reads it. */
  readonly store: ObjectStore;
  /** Equal for two histories in which the same happened at the same times. */
  readonly fingerprint: number;
  /** Operations on ports. */
  readonly steps: number;
  /** How long it took, in virtual ms. */
  readonly tookMs: number;
  /** Whether nothing was left to happen. */
  readonly isQuiet: boolean;
}

export interface SimulationOptions {
  /** The points at which something goes wrong; otherwise the weather decides. */
  readonly only?: ReadonlySet<number>;
  readonly onTrace?: (entry: TraceEntry) => void;
  /** When to give up, in virtual ms. @default 1 day */
  readonly limitMs?: number;
  /** After how many operations to give up. @default 20,000 */
  readonly limitSteps?: number;
}

/** Lets a scenario happen. */
export async function simulate(scenario: Scenario, options: SimulationOptions = {}): Promise<History> {
  const specs = await Promise.all(scenario.jobs.map((plan, index) => specFor(plan, index)));
  return new Simulation(scenario, specs, options).run();
}

async function specFor({ shape, limits }: JobPlan, index: number): Promise<JobSpec> {
  const dataset = await datasets.of(shape.partitionRows);
  const validation = shape.validationRows && (await datasets.of(shape.validationRows));
  return specOf(`job-${index + 1}`, shape, limits, { dataset, validation }, startAt);
}

/** One history: the world, and what comes to it from outside. */
class Simulation {
  readonly #scenario: Scenario;
  readonly #specs: readonly JobSpec[];
  readonly #world: World;
  readonly #fate: Fate;
  readonly #ledger = new Ledger();
  readonly #limitMs: number;
  readonly #limitSteps: number;
  #sweeps = 0;
  /** Sweeps that began after all jobs had ended, and were not disturbed. */
  #lastSweeps = 0;
  #isOver = false;

  constructor(scenario: Scenario, specs: readonly JobSpec[], options: SimulationOptions) {
    const { only, onTrace, limitMs = 86_400_000, limitSteps = 20_000 } = options;
    this.#scenario = scenario;
    this.#specs = specs;
    this.#limitMs = limitMs;
    this.#limitSteps = limitSteps;
    this.#fate = new Fate(scenario.weather, only);
    this.#world = new World({
      key: keyOf(scenario.seed >>> 0, "world"),
      fate: this.#fate,
      habits: scenario.habits,
      ledger: this.#ledger,
      datasets: datasets.store,
      poisonOf: (job) => scenario.jobs[specs.findIndex((spec) => spec.job === job)]?.poison,
      startAt,
      ...(onTrace && { onTrace }),
    });
  }

  async run(): Promise<History> {
    const world = this.#world;
    const { jobs, crashesAfterMs } = this.#scenario;
    for (const [index, spec] of this.#specs.entries()) {
      this.#submit(spec);
      const after = jobs[index]?.cancelAfterMs;
      if (after !== undefined) world.time.at(startAt + after, () => this.#cancel(spec.job));
    }
    for (const [index, after] of crashesAfterMs.entries()) world.time.at(startAt + after, () => this.#crash(index));
    this.#sweepLater();
    const until = startAt + this.#limitMs;
    await world.time.run(
      () => this.#isOver || world.time.exact > until || world.steps > this.#limitSteps,
      () => world.functions.settle(),
    );
    return this.#history();
  }

  async #history(): Promise<History> {
    const { store, fingerprint, steps, time } = this.#world;
    const jobs: JobHistory[] = [];
    for (const [index, spec] of this.#specs.entries()) {
      const plan = this.#scenario.jobs[index];
      if (plan === undefined) continue;
      const isStored = this.#ledger.createdAt(keys.spec(spec.job)) !== undefined;
      jobs.push({ plan, spec, isStored, result: await readResult(store, spec.job) });
    }
    return {
      scenario: this.#scenario,
      jobs,
      injected: this.#fate.injected,
      ledger: this.#ledger,
      store,
      fingerprint,
      steps,
      tookMs: time.exact - startAt,
      isQuiet: this.#isOver,
    };
  }

  #submit(spec: JobSpec): void {
    this.#client(`submit ${spec.job}`, async (deps) => {
      await submitJob(spec, { weights: initial }, deps);
      await deps.tell({ version: 1, type: "look", job: spec.job, reason: "submitted" });
    });
  }

  #cancel(job: JobId): void {
    this.#client(`cancel ${job}`, (deps) => cancelJob(job, deps));
  }

  /** Everything that lives in memory is gone. A while later somebody resumes the jobs. */
  #crash(index: number): void {
    const world = this.#world;
    world.crash();
    const pause = logUniform(100, 600_000, mix(keyOf(world.key, "pause"), index));
    for (const { job } of this.#specs) {
      world.time.after(pause, () => this.#client(`resume ${job} ${index + 1}`, (deps) => resume(job, deps)));
    }
  }

  #client(what: string, work: Parameters<World["runClient"]>[1]): void {
    this.#world.runClient(what, work);
  }

  #sweepLater(): void {
    this.#world.time.after(this.#scenario.habits.sweepMs, () => this.#sweep());
  }

  #sweep(): void {
    const { time, functions } = this.#world;
    const hasEnded = this.#specs.every(({ job }) => this.#hasEnded(job));
    const isStill = time.pending === 0 && functions.running.size === 0;
    if (hasEnded && isStill && this.#lastSweeps > 0) {
      this.#isOver = true;
      return;
    }
    this.#sweeps += 1;
    functions.run({
      name: "sweeper",
      label: `sweeper ${this.#sweeps}`,
      key: mix(keyOf(this.#world.key, "sweeper"), this.#sweeps),
      killAt: time.exact + 60_000,
      work: ({ deps }) => sweepJobs(deps),
      completed: () => {
        if (hasEnded) this.#lastSweeps += 1;
      },
    });
    this.#sweepLater();
  }

  /** Also a job that was never stored does nothing any more. */
  #hasEnded(job: JobId): boolean {
    const isStored = this.#ledger.createdAt(keys.spec(job)) !== undefined;
    return !isStored || this.#ledger.createdAt(keys.result(job)) !== undefined;
  }
}

/** As a cloud on one machine does it: all that the head speaks of was started by a process that is gone. */
async function resume(job: JobId, deps: Parameters<Parameters<World["runClient"]>[1]>[0]): Promise<void> {
  if (!(await exists(deps.store, keys.spec(job))) || (await exists(deps.store, keys.result(job)))) return;
  const read = await readHead(deps.store, job).catch(() => undefined);
  if (read === undefined) return deps.tell({ version: 1, type: "look", job, reason: "submitted" });
  return deps.tell({ version: 1, type: "resumed", job, head: read.head.token });
}
