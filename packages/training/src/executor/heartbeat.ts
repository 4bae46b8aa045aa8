import { encodeRecord, keys, ProgressRecord, type TaskMessage } from "@stampede/core";
import type { ExecutorDeps } from "../deps.js";

/** How often a busy executor moves its sign of life on: one small write. */
const everyMs = 10_000;

/**
 * An executor's sign of life: an object that it creates when it begins and moves on while it makes progress, after a piece of work
 * and never by a timer: a task that hangs does not beat. No task fails because its sign of life could not be written.
 */
export class Heartbeat {
  readonly #task: TaskMessage;
  readonly #deps: ExecutorDeps;
  readonly #totalExamples: number;
  #examples = 0;
  #longestPieceMs = 0;
  #memoryBytes: number | undefined;
  #writtenAt: number;
  #etag: string | undefined;
  #writing: Promise<void>;

  /** Begins to beat. */
  constructor(task: TaskMessage, totalExamples: number, deps: ExecutorDeps) {
    this.#task = task;
    this.#deps = deps;
    this.#totalExamples = totalExamples;
    this.#writtenAt = deps.clock.now();
    // Beside the task's first reads: nobody waits for it.
    this.#writing = this.#write();
  }

  /** The most memory in use after a piece of work; undefined where the platform cannot tell. */
  get memoryBytes(): number | undefined {
    return this.#memoryBytes;
  }

  /** 0 before the first one has ended. */
  get longestPieceMs(): number {
    return this.#longestPieceMs;
  }

  /** Counts examples as done; the next beat tells of them. */
  add(examples: number): void {
    this.#examples += examples;
  }

  /** A piece of work has ended, which took `pieceMs`. */
  async beat(pieceMs: number): Promise<void> {
    this.#longestPieceMs = Math.max(this.#longestPieceMs, pieceMs);
    const used = this.#deps.usedBytes?.();
    if (used !== undefined) this.#memoryBytes = Math.max(this.#memoryBytes ?? 0, Math.round(used));
    const now = this.#deps.clock.now();
    if (now - this.#writtenAt < everyMs) return;
    this.#writtenAt = now;
    await this.#writing;
    this.#writing = this.#write();
    await this.#writing;
  }

  /** Resolves when nothing is being written any more. */
  end(): Promise<void> {
    return this.#writing;
  }

  async #write(): Promise<void> {
    const { store } = this.#deps;
    const { job, stage, partition, attemptId } = this.#task;
    const key = keys.progress(job, stage, partition, attemptId);
    try {
      const body = encodeRecord(ProgressRecord, this.#record());
      const outcome =
        this.#etag === undefined ? await store.create(key, body) : await store.replace(key, body, this.#etag);
      this.#etag = outcome === "conflict" ? (await store.head(key))?.etag : outcome.etag;
    } catch {
      // Whether it was written is not known; the next beat looks.
      this.#etag = undefined;
    }
  }

  #record(): ProgressRecord {
    const { job, stage, partition, attempt, attemptId } = this.#task;
    return {
      version: 1,
      job,
      stage,
      partition,
      attempt,
      attemptId,
      at: this.#writtenAt,
      examples: this.#examples,
      totalExamples: this.#totalExamples,
      longestPieceMs: this.#longestPieceMs,
      ...(this.#memoryBytes !== undefined && { memoryBytes: this.#memoryBytes }),
    };
  }
}
