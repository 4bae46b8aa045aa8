import { closeSync, mkdtempSync, openSync, read, rmSync, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PositionedReads } from "./disk-files.js";

const readAt = promisify(read);
const writeAt = promisify(write);

/** A temporary file that no folder shows: it lives while it is open, and nothing of it stays behind a process that is killed. */
export class NamelessFile implements PositionedReads {
  #descriptor: number;
  /** Work on the descriptor, whose number may be another file's as soon as it is closed. */
  readonly #pending = new Set<Promise<unknown>>();

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Makes so many files in `folder` and takes them out of it in one go: synchronously, so that no signal's listener can end the
   * process while they are there.
   * @throws Error with the system's code
   */
  static openMany(count: number, folder: string): NamelessFile[] {
    const files: NamelessFile[] = [];
    const own = mkdtempSync(join(folder, "stampede-spool-"));
    try {
      while (files.length < count) files.push(new NamelessFile(openSync(join(own, String(files.length)), "wx+")));
    } catch (error) {
      for (const file of files) closeSync(file.#descriptor);
      throw error;
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
    return files;
  }

  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    return this.#busy(readAt(this.#descriptor, into, offset, length, position));
  }

  async writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const left = bytes.length - written;
      const part = writeAt(this.#descriptor, bytes, written, left, position + written);
      written += (await this.#busy(part)).bytesWritten;
    }
  }

  /** Waits for reads and writes that have begun; later ones fail. */
  async close(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    await Promise.allSettled(this.#pending);
    closeSync(descriptor);
  }

  async #busy<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    try {
      return await work;
    } finally {
      this.#pending.delete(work);
    }
  }
}
