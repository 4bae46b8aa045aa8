import { writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { Worker } from "node:worker_threads";
import type { LastWord } from "./protocol.js";

/**
 * A socket between a process and its parent, beside the one for messages. The child holds on to it: when it breaks the parent is gone.
 * And the last word is said on it, at once, also in the middle of a computation: messages may have to wait for the event loop.
 */

/** Its number in the child; that of the messages is 3. */
const lifelineFd = 4;

/** How a process is started that has both. */
export const stdioWithLifeline = ["ignore", "pipe", "pipe", "ipc", "pipe"] as const;

/**
 * In the child: ends the process as soon as the parent is gone, however that went. A thread of its own watches, for the process may
 * be computing; it takes 9 MB.
 */
export function holdLifeline(): void {
  const resourceLimits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };
  const options = { name: "lifeline", workerData: lifelineFd, resourceLimits };
  new Worker(new URL("./lifeline-host.js", import.meta.url), options).unref();
}

/** In the child: says it and ends the process, now. */
export function dieSaying(word: LastWord): void {
  writeSync(lifelineFd, word.type === "crashed" ? `crashed ${word.found}` : `out-of-memory ${word.usedBytes}`);
  process.kill(process.pid, "SIGKILL");
}

/** In the parent. */
export class LastWordReader {
  readonly #chunks: Buffer[] = [];

  /** @param lifeline this side's end of it */
  constructor(lifeline: Readable) {
    lifeline.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    // The connection may be reset by the child's end, which is noticed by itself.
    lifeline.on("error", () => undefined);
  }

  /** What the child said last, if anything; complete once the lifeline is closed. */
  get word(): LastWord | undefined {
    const [, type, rest = ""] = /^(\S+) (.*)$/s.exec(Buffer.concat(this.#chunks).toString()) ?? [];
    if (type === "out-of-memory") return { type, usedBytes: Number(rest) };
    return type === "crashed" ? { type, found: rest } : undefined;
  }
}
