import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import type { Watchdog } from "./watchdog.js";

/** What a container engine says of one that needed more memory than it was given. */
const killedForMemory = "OutOfMemoryError: Container killed due to memory usage";

/** Of what a job prints, the last characters are kept. */
export const rememberedChars = 262_144;
const memoryCheckMs = 100;
/** For what is still in the pipes of a container that has ended; somebody else may hold them for ever. */
const drainMs = 1_000;

export interface ContainerOptions {
  readonly command: readonly string[];
  /** All that it finds in its environment, besides PATH, HOME and TMPDIR. */
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  readonly watchdog: Watchdog;
}

export interface ContainerEnd {
  /** 128 + the signal's number when a signal ended it, as a container engine has it; undefined when it could not be started. */
  readonly exitCode: number | undefined;
  /** Why, where the exit code does not say it. */
  readonly reason: string | undefined;
}

/** A command that runs as a process group in an empty folder of its own, which is removed afterwards. */
export class Container {
  /** Whether there is a process. */
  readonly started: Promise<boolean>;
  readonly ended: Promise<ContainerEnd>;
  #child: ChildProcess | undefined;
  #log = "";
  #killed = false;
  #reason: string | undefined;

  constructor(options: ContainerOptions) {
    const folder = mkdtemp(join(tmpdir(), "stampede-batch-"));
    const begun = folder.then((path) => this.#begin(options, path));
    this.started = begun.then(
      () => true,
      () => false,
    );
    this.ended = this.#live(begun, folder, options);
  }

  /** The end of what it printed. */
  get log(): string {
    return this.#log;
  }

  /** Ends it at once, with all it has started, also when it has not begun yet. */
  kill(): void {
    this.#killed = true;
    killGroup(this.#child?.pid);
  }

  async #live(begun: Promise<ChildProcess>, folder: Promise<string>, options: ContainerOptions): Promise<ContainerEnd> {
    try {
      return await this.#untilEnd(await begun, options);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      return { exitCode: undefined, reason: `CannotStartContainerError: ${said}` };
    } finally {
      await folder.then(
        (path) => rm(path, { recursive: true, force: true }),
        () => undefined,
      );
    }
  }

  async #begin({ command, environment, watchdog }: ContainerOptions, folder: string): Promise<ChildProcess> {
    const [program, ...words] = command;
    if (program === undefined) throw new Error("the command is empty");
    const { PATH } = process.env;
    const env = { PATH, HOME: folder, TMPDIR: folder, ...environment };
    const child = spawn(program, words, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    // In the same turn: a runner that is killed in between must not leave it behind.
    if (child.pid !== undefined) watchdog.watch(child.pid);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-rememberedChars)));
    }
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    if (this.#killed) killGroup(child.pid);
    return child;
  }

  async #untilEnd(child: ChildProcess, { memoryMb, watchdog }: ContainerOptions): Promise<ContainerEnd> {
    const check = setInterval(() => this.#checkMemory(child.pid, memoryMb), memoryCheckMs);
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const exitCode = await exitOf(child);
    clearInterval(check);
    // A container ends with its first process.
    killGroup(child.pid);
    if (child.pid !== undefined) watchdog.forget(child.pid);
    const drained = setTimeout(() => [child.stdout, child.stderr].forEach((stream) => stream?.destroy()), drainMs);
    await closed;
    clearTimeout(drained);
    return { exitCode, reason: this.#reason };
  }

  #checkMemory(pid: number | undefined, memoryMb: number): void {
    if (pid === undefined || residentMb(pid) <= memoryMb) return;
    this.#reason = killedForMemory;
    this.kill();
  }
}

/** It may have ended before this is asked. */
function exitOf(child: ChildProcess): Promise<number> {
  const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
    code ?? (signal === null ? 1 : 128 + constants.signals[signal]);
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(codeOf(child.exitCode, child.signalCode));
  }
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve(codeOf(code, signal))));
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}

/** Of its first process; 0 where the system does not tell (`/proc` is Linux), which then limits nothing. */
function residentMb(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib ?? 0) / 1024;
  } catch {
    return 0;
  }
}
