import { dirname } from "node:path";
import { StampedeError } from "@stampede/core";
import { addFolder, ifThere, removeEmptyFolder, type Files } from "./files.js";
import { FolderSyncs } from "./folder-syncs.js";
import { foreign } from "./store-error.js";

/** Folders that are remembered; a job of many rounds must not make the memory grow. */
const maxKnown = 4096;

/**
 * The folders below `objects`. Each is looked at once: it must be a real folder, so that no key leads out of the store, and its
 * name must be on the disk before an object in it counts as stored.
 */
export class Folders {
  readonly #files: Files;
  readonly #top: string;
  readonly #syncs: FolderSyncs;
  readonly #real = new Set<string>();
  readonly #durable = new Set<string>();

  constructor(files: Files, top: string) {
    this.#files = files;
    this.#syncs = new FolderSyncs(files);
    this.#top = top;
  }

  /** @throws StampedeError `store.corrupt` when a symbolic link is in the way */
  isThere(folder: string): boolean {
    if (folder === this.#top || this.#real.has(folder)) return true;
    if (!this.isThere(dirname(folder))) return false;
    const found = ifThere(() => this.#files.lstatSync(folder));
    if (found?.isSymbolicLink()) throw foreign(folder, "a folder of the store", "a symbolic link");
    if (found?.isDirectory() !== true) return false;
    remember(this.#real, folder);
    return true;
  }

  /**
   * Makes the folder and those above it. Their names are not on the disk before `keep` says so.
   * @throws StampedeError `store.invalid-key` when an object is in the way, `store.corrupt` when a symbolic link is
   */
  make(folder: string): void {
    if (folder === this.#top || this.#durable.has(folder)) return;
    this.make(dirname(folder));
    addFolder(this.#files, folder);
    if (!this.isThere(folder)) throw objectInTheWay(folder);
  }

  /**
   * Makes a name in the folder, and the names of the folder and of those above it, survive a crash of the machine. Folders that
   * were new are synced at the same time: the disk needs hardly longer for several than for one.
   */
  async keep(folder: string): Promise<void> {
    const fresh: string[] = [];
    for (let each = folder; each !== this.#top && !this.#durable.has(each); each = dirname(each)) fresh.push(each);
    await allSettled([folder, ...fresh.map((each) => dirname(each))].map((each) => this.#syncs.sync(each)));
    for (const each of fresh) remember(this.#durable, each);
  }

  /** Removes the folder and those above it as far as they are empty. */
  prune(folder: string): void {
    for (let each = folder; each !== this.#top && removeEmptyFolder(this.#files, each); each = dirname(each)) {
      this.#real.delete(each);
      this.#durable.delete(each);
    }
  }

  /** Somebody else removed it, perhaps with those above. */
  forget(folder: string): void {
    for (let each = folder; each !== this.#top; each = dirname(each)) {
      this.#real.delete(each);
      this.#durable.delete(each);
    }
  }
}

/** Waits for all of them, also when one fails, so that no descriptor is open when the caller goes on. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === "rejected") throw outcome.reason;
}

function remember(known: Set<string>, folder: string): void {
  if (known.size >= maxKnown) known.clear();
  known.add(folder);
}

function objectInTheWay(path: string): StampedeError {
  return new StampedeError(
    "store.invalid-key",
    `Expected a folder at ${path}, found an object. A folder store cannot hold both "a" and "a/b"; nothing was stored.`,
    { details: { path } },
  );
}
