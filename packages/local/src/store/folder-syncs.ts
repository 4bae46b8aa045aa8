import { syncFolder, type Files } from "./files.js";

/**
 * Makes names in folders survive a crash of the machine. Those who ask for the same folder meanwhile share the sync that comes next: it begins
 * after their names were made, and a disk takes as long for a hundred names as for one.
 */
export class FolderSyncs {
  readonly #files: Files;
  readonly #running = new Map<string, Promise<void>>();
  /** Not begun yet. */
  readonly #next = new Map<string, Promise<void>>();

  constructor(files: Files) {
    this.#files = files;
  }

  async sync(folder: string): Promise<void> {
    const running = this.#running.get(folder);
    if (running === undefined) return this.#begin(folder);
    const next = this.#next.get(folder) ?? this.#after(running, folder);
    this.#next.set(folder, next);
    return next;
  }

  async #after(running: Promise<void>, folder: string): Promise<void> {
    // Whoever asked for that one hears of its failure.
    await running.catch(() => undefined);
    this.#next.delete(folder);
    return this.#begin(folder);
  }

  #begin(folder: string): Promise<void> {
    const sync = syncFolder(this.#files, folder).finally(() => {
      if (this.#running.get(folder) === sync) this.#running.delete(folder);
    });
    this.#running.set(folder, sync);
    return sync;
  }
}
