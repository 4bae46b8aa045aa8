import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface ServerProgram {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly folder: string;
  /** All of its environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Answers with success when the server is up. */
  readonly healthUrl: string;
  /** @default 60_000 */
  readonly startTimeoutMs?: number;
}

/** A server of somebody else's, as a process that can be ended and begun again. */
export class ServerProcess {
  readonly #program: ServerProgram;
  readonly #said: string[] = [];
  #child: ChildProcess | undefined;

  constructor(program: ServerProgram) {
    this.#program = program;
  }

  /** All it has written to stdout and stderr. */
  get log(): string {
    return this.#said.join("");
  }

  /**
   * Resolves when it is up.
   * @throws Error when it does not come up: with its last words
   */
  async begin(): Promise<void> {
    const { command, folder, environment } = this.#program;
    const child = spawn(command, [], { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: environment });
    child.stdout.on("data", (chunk: Buffer) => this.#said.push(chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => this.#said.push(chunk.toString()));
    // That it could not even be started is seen as an end.
    child.on("error", (error) => this.#said.push(String(error)));
    this.#child = child;
    await this.#untilHealthy(child);
  }

  /** Ends it as a machine that is shut down, and waits until it has. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }

  async #untilHealthy(child: ChildProcess): Promise<void> {
    const { name, healthUrl, startTimeoutMs = 60_000 } = this.#program;
    const deadline = performance.now() + startTimeoutMs;
    while (performance.now() < deadline && !hasEnded(child)) {
      const healthy = await fetch(healthUrl).then(
        ({ ok }) => ok,
        () => false,
      );
      if (healthy) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGKILL");
    const limit = `${startTimeoutMs / 1000} s`;
    throw new Error(`Expected ${name} to come up within ${limit}. Its last words:\n${this.log.slice(-4000)}`);
  }
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
