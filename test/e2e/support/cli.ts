import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { JobEvent } from "@stampede/core";

const command = join(import.meta.dirname, "../../../packages/cli/bin/stampede.js");

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `stampede` process under way. */
export class Run {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #waiting: { test: (event: JobEvent) => boolean; found: (event: JobEvent) => void }[] = [];
  #stdout = "";
  #stderr = "";
  #told = 0;

  constructor(words: readonly string[], options: { readonly cwd: string; readonly home: string }) {
    const env = { ...process.env, STAMPEDE_HOME: options.home, NO_COLOR: "1" };
    this.#child = spawn(process.execPath, [command, ...words], {
      cwd: options.cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
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

  /** The first event that passes the test. Rejects when the process ends without one. */
  event(test: (event: JobEvent) => boolean): Promise<JobEvent> {
    const told = eventsOf(this.#stdout.slice(0, this.#told)).find(test);
    if (told !== undefined) return Promise.resolve(told);
    const found = new Promise<JobEvent>((resolve) => this.#waiting.push({ test, found: resolve }));
    const missed = this.ended.then(({ code, stdout, stderr }): never => {
      throw new Error(`the process ended with ${code} before the event came\n${stdout}\n${stderr}`);
    });
    return Promise.race([found, missed]);
  }

  /** Reads stdout no longer, as `| head` does. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #hear(text: string): void {
    this.#stdout += text;
    const end = this.#stdout.lastIndexOf("\n") + 1;
    // Other commands than those that run or watch a job write other lines; nobody waits for an event of theirs.
    if (this.#waiting.length > 0) {
      for (const event of eventsOf(this.#stdout.slice(this.#told, end))) {
        for (const waiting of this.#waiting) if (waiting.test(event)) waiting.found(event);
      }
    }
    this.#told = end;
  }
}

/** Every line of stdout, each a valid event. */
export function eventsOf(stdout: string): JobEvent[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JobEvent.parse(JSON.parse(line)));
}

export function lastEvent(ended: Ended): JobEvent {
  const last = eventsOf(ended.stdout).at(-1);
  if (last === undefined) throw new Error(`no event on stdout; stderr:\n${ended.stderr}`);
  return last;
}

export type Succeeded = Extract<JobEvent, { event: "job.succeeded" }>;

export function succeeded(ended: Ended): Succeeded {
  const last = lastEvent(ended);
  if (ended.code !== 0 || last.event !== "job.succeeded") {
    throw new Error(`expected success, found exit ${ended.code}\n${ended.stdout}\n${ended.stderr}`);
  }
  return last;
}
