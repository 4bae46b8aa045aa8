import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { JobEvent } from "@stampede/core";
import type { Ended } from "../../e2e/support/cli.js";
import { markName } from "./processes.js";

const command = join(import.meta.dirname, "../../../packages/cli/bin/stampede.js");

/** Modules that are loaded first in every process and thread of a run, see `fixtures/`. */
type Preload = "faults" | "clock-jumps" | "small-disk" | "little-memory";

export interface RunOptions {
  readonly cwd: string;
  readonly home: string;
  readonly mark: string;
  readonly preload?: readonly Preload[];
  readonly env?: Readonly<Record<string, string>>;
  /** What the command is started with: `nice -n 19`. It must become the command, not its parent. */
  readonly through?: readonly string[];
}

interface Waiting {
  readonly test: (event: JobEvent) => boolean;
  readonly found: (event: JobEvent) => void;
}

/** A `stampede` command under way, in a process group of its own, as a shell starts it. */
export class Run {
  readonly ended: Promise<Ended>;
  readonly events: JobEvent[] = [];
  readonly #child: ChildProcess;
  readonly #waiting = new Set<Waiting>();
  #stdout = "";
  #stderr = "";
  #rest = "";

  constructor(words: readonly string[], options: RunOptions) {
    const [program = "", ...rest] = [...(options.through ?? []), process.execPath, command, ...words];
    this.#child = spawn(program, rest, {
      cwd: options.cwd,
      env: environmentOf(options),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#hear(chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the command was not started");
    return this.#child.pid;
  }

  /** Whether it has not ended yet, as far as is known. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The job's id, once anything was heard of it. */
  get job(): string | undefined {
    return this.events.find(({ job }) => job !== undefined)?.job;
  }

  /** The first event that passes the test, of those told and those to come. Rejects when the process ends without one. */
  event(test: (event: JobEvent) => boolean): Promise<JobEvent> {
    const told = this.events.find(test);
    if (told !== undefined) return Promise.resolve(told);
    const found = new Promise<JobEvent>((resolve) => this.#waiting.add({ test, found: resolve }));
    const missed = this.ended.then(({ code, signal, stdout, stderr }): never => {
      throw new Error(`the process ended (${signal ?? code}) before the event came\n${stdout}\n${stderr}`);
    });
    return Promise.race([found, missed]);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** To all processes of the group, as a terminal sends it. */
  killGroup(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(-this.pid, signal);
  }

  #hear(text: string): void {
    this.#stdout += text;
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      // `jobs` commands tell other things than events.
      const event = JobEvent.safeParse(JSON.parse(line));
      if (event.success) this.#tell(event.data);
    }
  }

  #tell(event: JobEvent): void {
    this.events.push(event);
    for (const waiting of this.#waiting) {
      if (!waiting.test(event)) continue;
      this.#waiting.delete(waiting);
      waiting.found(event);
    }
  }
}

function environmentOf({ home, mark, preload = [], env }: RunOptions): NodeJS.ProcessEnv {
  const modules = preload.map((name) => new URL(`../fixtures/${name}.js`, import.meta.url).href);
  return {
    ...process.env,
    STAMPEDE_HOME: home,
    NO_COLOR: "1",
    [markName]: mark,
    ...(modules.length > 0 && { NODE_OPTIONS: modules.map((url) => `--import=${url}`).join(" ") }),
    ...env,
  };
}

/** Whether it tells the end of that round, or of a later one. */
export const roundEnded =
  (round: number) =>
  (event: JobEvent): boolean =>
    event.event === "round.finished" && event.round >= round;
