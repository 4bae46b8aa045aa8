import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import * as z from "zod";

const command = join(import.meta.dirname, "../../../packages/cli/bin/stampede.js");
const Started = z.object({ event: z.literal("serve.started"), url: z.string(), token: z.string().optional() });

/** A `stampede serve` process. */
export class Served {
  readonly url: string;
  /** Of the scope `admin`, where this process made the first one. */
  readonly token: string | undefined;
  readonly #child: ChildProcess;
  readonly #log: string[];

  private constructor(child: ChildProcess, { url, token }: z.infer<typeof Started>, log: string[]) {
    this.#child = child;
    this.url = url;
    this.token = token;
    this.#log = log;
  }

  static async start(store: string, ...words: string[]): Promise<Served> {
    const child = spawn(process.execPath, [command, "serve", "--port", "0", "--store", store, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log: string[] = [];
    child.stderr.on("data", (chunk: Buffer) => log.push(chunk.toString()));
    let text = "";
    for await (const chunk of child.stdout) {
      text += String(chunk);
      if (text.includes("\n")) break;
    }
    if (!text.includes("\n")) throw new Error(`stampede serve ended: ${log.join("")}`);
    return new Served(child, Started.parse(JSON.parse(text)), log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it has logged so far. */
  get log(): string {
    return this.#log.join("");
  }

  /** Answers with the exit code. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<unknown> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    return (await ended)[0];
  }
}
