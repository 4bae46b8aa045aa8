import { fork, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { StampedeError } from "@stampede/core";
import { afterOutput } from "./after-output.js";
import { ChildOutput } from "./child-output.js";
import { Conversation } from "./conversation.js";
import { crashed, outOfMemory } from "./failures.js";
import { LastWordReader, stdioWithLifeline } from "./lifeline.js";
import type { FromWorker } from "./protocol.js";
import type { FunctionWorker, StartWorker, WorkerOptions } from "./worker.js";

const host = fileURLToPath(new URL("./process-host.js", import.meta.url));
/** How long the rest of a dead child's output is waited for: a process that it started may hold on to the pipes. */
const drainMs = 1_000;
/** What a shell makes of SIGABRT. */
const abortedCode = 128 + 6;

/** Starts a function in a process of its own. */
export const startProcess: StartWorker = (options, onGone) => {
  try {
    const child = fork(host, [], {
      serialization: "advanced",
      stdio: [...stdioWithLifeline],
      // None of this process's own, which may be a debugger's port or `--eval`.
      execArgv: [`--max-old-space-size=${options.memoryLimitMb}`],
    });
    if (child.pid !== undefined) return new ProcessWorker(child, options, onGone);
    return notStarted(new Promise((resolve) => child.once("error", resolve)), onGone);
  } catch (cause) {
    return notStarted(Promise.resolve(cause), onGone);
  }
};

/** For when the system has no room for another process: an end like any other, only sooner. */
function notStarted(failing: Promise<unknown>, onGone: () => void): FunctionWorker {
  void failing.then(onGone);
  const run = async (): Promise<never> => {
    const cause = await failing;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw crashed("process", `that it cannot be started: ${why}`, { cause });
  };
  return { isUsable: false, isInNative: false, run, stop: async () => void (await failing) };
}

/** Over a child that was started. It is gone when its end and all that it said before have been heard. */
class ProcessWorker implements FunctionWorker {
  /** Native code that is cut off harms nobody here. */
  readonly isInNative = false;
  readonly #child: ChildProcess;
  readonly #memoryLimitMb: number;
  readonly #conversation: Conversation;
  readonly #output: ChildOutput;
  readonly #lastWord: LastWordReader | undefined;
  readonly #gone: Promise<void>;
  #isDead = false;

  constructor(child: ChildProcess, options: WorkerOptions, onGone: () => void) {
    this.#child = child;
    this.#memoryLimitMb = options.memoryLimitMb;
    this.#output = new ChildOutput([child.stdout, child.stderr]);
    const lifeline = child.stdio[4];
    this.#lastWord = lifeline instanceof Socket ? new LastWordReader(lifeline) : undefined;
    this.#conversation = new Conversation(options, {
      isolation: "process",
      // Whether it arrives shows in the answer, or in the end of the child.
      post: (message) => void child.send(message, () => undefined),
      keepAlive: (keeps) => keepAlive(child, keeps),
    });
    child.on("message", (message: FromWorker) => afterOutput(() => this.#conversation.hear(message)));
    // Of a child that was started these are signals that did not reach it any more.
    child.on("error", () => undefined);
    this.#gone = this.#untilGone().then(onGone);
    this.#conversation.open();
  }

  get isUsable(): boolean {
    return !this.#isDead && !this.#conversation.isOver;
  }

  run(payload: unknown, remainingMs: number): Promise<void> {
    return this.#conversation.invoke(payload, remainingMs);
  }

  /** At once, whatever it does, also when it is stopped by SIGSTOP. */
  async stop(reason: StampedeError): Promise<void> {
    this.#conversation.end(reason);
    keepAlive(this.#child, true);
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  async #untilGone(): Promise<void> {
    const child = this.#child;
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await new Promise<void>((resolve) => child.once("exit", () => resolve()));
    this.#isDead = true;
    const timer = setTimeout(() => {
      for (const stream of child.stdio) stream?.destroy();
    }, drainMs);
    await closed;
    clearTimeout(timer);
    await new Promise<void>(afterOutput);
    const word = this.#lastWord?.word;
    if (word !== undefined) this.#conversation.hear(word);
    this.#conversation.end(this.#reason());
  }

  #reason(): StampedeError {
    const { exitCode, signalCode: signal } = this.#child;
    const noMemory = this.#output.outOfMemory;
    const isAborted = exitCode === abortedCode || (signal !== null && signal !== "SIGKILL");
    if (isAborted && noMemory !== undefined) {
      return outOfMemory("process", this.#memoryLimitMb, `that it needs more (${noMemory.trim()})`);
    }
    if (signal === null) {
      return crashed("process", `that it ended with exit code ${exitCode}`, { details: { exitCode: exitCode ?? -1 } });
    }
    const killer = signal === "SIGKILL" ? " from outside; the kernel's out-of-memory killer does that too" : "";
    return crashed("process", `that it was killed by ${signal}${killer}`, { details: { signal } });
  }
}

function keepAlive(child: ChildProcess, keeps: boolean): void {
  const sockets = child.stdio.filter((stream) => stream instanceof Socket);
  for (const handle of [child, child.channel, ...sockets]) {
    if (keeps) handle?.ref();
    else handle?.unref();
  }
}
