import { randomUUID } from "node:crypto";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Ended } from "../../e2e/support/cli.js";
import { Workshop } from "../../e2e/support/workshop.js";
import { isAlive, livingWith, signalTo, type Living } from "./processes.js";
import { Run, type RunOptions } from "./run.js";
import { until } from "./until.js";

type Options = Partial<Omit<RunOptions, "mark">>;

/** A folder with job files, data, stores and everything that runs on them. When it is closed nothing of it is left. */
export class Ground {
  /** The store of commands that name no other. */
  readonly home: string;
  readonly #workshop: Workshop;
  readonly #mark = `${process.env["STAMPEDE_CHAOS_SUITE"]}/${randomUUID()}`;

  private constructor(workshop: Workshop) {
    this.#workshop = workshop;
    this.home = workshop.home;
  }

  static async open(): Promise<Ground> {
    const ground = new Ground(await Workshop.open());
    await mkdir(ground.temporary);
    return ground;
  }

  /** For one test: it is closed when that has ended, whether well or badly. */
  static async forTest(): Promise<Ground> {
    const ground = await Ground.open();
    onTestFinished(() => ground.close());
    return ground;
  }

  /** The folder for temporary files of whatever runs here. */
  get temporary(): string {
    return this.path("temporary");
  }

  path(name: string): string {
    return this.#workshop.path(name);
  }

  write(name: string, content: string): Promise<void> {
    return this.#workshop.write(name, content);
  }

  job(name: string, job: object): Promise<string> {
    return this.#workshop.job(name, job);
  }

  start(words: readonly string[], options: Options = {}): Run {
    const { cwd = this.#workshop.folder, home = this.home, env, ...rest } = options;
    return new Run(words, { cwd, home, mark: this.#mark, env: { TMPDIR: this.temporary, ...env }, ...rest });
  }

  run(words: readonly string[], options?: Options): Promise<Ended> {
    return this.start(words, options).ended;
  }

  /** A copy of a store that nobody writes to. */
  async copyOf(home: string, name: string): Promise<string> {
    await cp(home, this.path(name), { recursive: true, preserveTimestamps: true });
    return this.path(name);
  }

  /** Processes that were started here and live, with those that they started. */
  living(): readonly Living[] {
    return livingWith(this.#mark);
  }

  executorsOf({ pid }: Run): readonly Living[] {
    return this.living().filter(({ isExecutor, parent }) => isExecutor && parent === pid);
  }

  /** Resolves when nothing of it runs any more. Orphans have to end by themselves. */
  async isDeserted(): Promise<void> {
    await until("all processes to be gone", () => this.living().length === 0, 20);
  }

  async close(): Promise<void> {
    for (const process of this.living()) signalTo(process, "SIGKILL");
    await this.isDeserted();
    await this.#workshop.close();
  }
}

/** Kills a process for good, and answers with how many milliseconds it took; undefined when it was not alive. */
export async function killed(victim: Living): Promise<number | undefined> {
  const began = performance.now();
  if (!signalTo(victim, "SIGKILL")) return undefined;
  await until(`process ${victim.pid} to be dead`, () => !isAlive(victim), 20);
  return performance.now() - began;
}

/** The example folder of the repository, where its job files are run. */
export const examples = join(import.meta.dirname, "../../../packages/examples");
