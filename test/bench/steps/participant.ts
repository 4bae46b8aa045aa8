import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { Answer, type Order, type Task } from "./orders.js";

/** Starting Python and importing its libraries is part of the first opening. */
const openPatienceMs = 180_000;
/** For one step that nobody has timed yet. */
const stepPatienceMs = 20_000;
const keptErrorCharacters = 300;

type Done = Exclude<Answer, { error: string }>;

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Whoever takes part in a race: a process that is started when it is needed first, and again when it had to be ended. */
export class Participant {
  readonly #command: Command;
  #process: Conversation | undefined;

  constructor(command: Command) {
    this.#command = command;
  }

  /** Starts the process where there is none and waits until it has loaded its libraries. @returns its number */
  async ready(): Promise<number> {
    await this.#ask({ order: "ready" }, openPatienceMs);
    return this.#process?.pid ?? 0;
  }

  /** @throws Error with what the process said about it; the same holds for `run` */
  async open(task: Task): Promise<Readonly<Record<string, string>>> {
    const { versions = {} } = await this.#ask({ order: "open", task }, openPatienceMs);
    return versions;
  }

  /** Milliseconds of `steps` steps. @param expectedMs by experience */
  async run(steps: number, expectedMs = 0): Promise<number> {
    const { ms } = await this.#ask({ order: "run", steps }, stepPatienceMs + 10 * expectedMs);
    if (ms === undefined) throw new Error("expected milliseconds, found none");
    return ms;
  }

  async close(): Promise<void> {
    if (this.#process !== undefined) await this.#ask({ order: "close" }, openPatienceMs);
  }

  /** Ends the process. */
  stop(): void {
    this.#process?.end();
    this.#process = undefined;
  }

  async #ask(order: Order, patienceMs: number): Promise<Done> {
    this.#process ??= new Conversation(this.#command);
    try {
      const answer = await this.#process.ask(order, patienceMs);
      if (!("error" in answer)) return answer;
      throw new Error(answer.error);
    } catch (error) {
      // What is left of it after a failure nobody knows.
      this.stop();
      throw error;
    }
  }
}

class Conversation {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  #complaints = "";

  constructor({ program, args, env }: Command) {
    this.#child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const complain = (text: unknown): void => {
      this.#complaints = `${this.#complaints}${String(text)}`.slice(-keptErrorCharacters);
    };
    this.#child.stderr.setEncoding("utf8").on("data", complain);
    this.#child.on("error", complain);
    // A process that has ended is noticed by its standard output.
    this.#child.stdin.on("error", () => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async ask(order: Order, patienceMs: number): Promise<Answer> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.end();
    }, patienceMs);
    try {
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
      const line = await this.#lines.next();
      if (line.done !== true) return Answer.parse(JSON.parse(line.value));
    } finally {
      clearTimeout(timer);
    }
    const work = order.order === "run" ? `${order.steps} ${order.steps === 1 ? "step" : "steps"}` : order.order;
    if (late) throw new Error(`${work} took more than ${Math.round(patienceMs / 1000)} s`);
    throw new Error(`the process ended${this.#complaints === "" ? "" : `: ${this.#complaints.trim()}`}`);
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}
