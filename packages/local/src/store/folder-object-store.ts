import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { BigIntStats } from "node:fs";
import { join } from "node:path";
import {
  StampedeError,
  type ByteRange,
  type ObjectInfo,
  type ObjectStore,
  type StoredObject,
  type WriteOutcome,
} from "@stampede/core";
import { readRange, SourceFailed, writeFile } from "./body.js";
import { addFolder, errnoOf, ifThere, removeEmptyFolder, removeFile, syncFolder, type Files } from "./files.js";
import { Folders } from "./folders.js";
import { invalidKey, placeOf, type Place } from "./key.js";
import { listObjects } from "./list.js";
import { openRoot, type Root } from "./open-root.js";
import { asStoreError, foreign, type Failed } from "./store-error.js";
import { announcementPath, pruneVersions, readVersions, removeVersions, versionPath } from "./versions.js";

/** How often one call starts again because others changed the same object or folder meanwhile; each time somebody got on. */
const maxTries = 1000;

/** Never follow a link, never wait for the other end of a pipe. Both are absent (and 0) on Windows. */
const readOnly = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

interface Found {
  readonly version: number;
  readonly bytes: number;
  readonly etag: string;
  readonly modifiedAt: number;
}

/**
 * Objects in a folder of the local disk, safe between threads and processes without locks, durable once acknowledged. Version 1
 * of an object is the plain file `objects/<key>`; only one that was replaced has a folder `objects/<key>~` with its newest
 * version. See the README for the layout and its guarantees.
 */
export class FolderObjectStore implements ObjectStore {
  readonly #files: Files;
  readonly #root: Root;
  readonly #folders: Folders;

  private constructor(files: Files, root: Root) {
    this.#files = files;
    this.#root = root;
    this.#folders = new Folders(files, root.objects);
  }

  /**
   * Opens the store in `root`, which is created if it is missing. Nothing has to be closed.
   * @throws StampedeError `store.not-writable`, `store.full`, `store.corrupt`
   */
  static open(root: string, files: Files = fs): FolderObjectStore {
    return new FolderObjectStore(files, openRoot(files, root));
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const place = this.#placeOf(key);
    return failingAs({ doing: "read", key, path: place.plain }, async () => {
      const opened = this.#newest(place, (path, version) => {
        const descriptor = ifThere(() => this.#files.openSync(path, readOnly));
        return descriptor === undefined ? undefined : { descriptor, version };
      });
      if (opened === undefined) return undefined;
      const { descriptor, version } = opened;
      try {
        const stat = this.#files.fstatSync(descriptor, { bigint: true });
        if (!stat.isFile()) return undefined;
        const body = await readRange(this.#files, descriptor, Number(stat.size), range);
        return { body, etag: etagOf(version, stat) };
      } finally {
        this.#files.closeSync(descriptor);
      }
    });
  }

  async head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    const place = this.#placeOf(key);
    return failingAs({ doing: "read", key, path: place.plain }, () => {
      const found = this.#look(place);
      return Promise.resolve(found && { bytes: found.bytes, etag: found.etag });
    });
  }

  async create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    const place = this.#placeOf(key);
    return failingAs({ doing: "write", key, path: place.plain }, async () => {
      if (this.#look(place) !== undefined) return "conflict";
      const temporary = join(this.#root.temporary, randomUUID());
      try {
        const stat = await writeFile(this.#files, temporary, body);
        if (!this.#linkNew(temporary, place)) return "conflict";
        await this.#folders.keep(place.folder);
        return { etag: etagOf(1, stat) };
      } finally {
        removeFile(this.#files, temporary);
      }
    });
  }

  async replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    const place = this.#placeOf(key);
    return failingAs({ doing: "write", key, path: place.plain }, async () => {
      const found = this.#look(place);
      if (found?.etag !== etag) return "conflict";
      const version = found.version + 1;
      const announcement = announcementPath(place.versions, version, randomUUID());
      try {
        if (version === 2) addFolder(this.#files, place.versions);
        const stat = await writeFile(this.#files, announcement, body);
        // The announcement has to be there before this look, see Versions.
        if (this.#look(place)?.etag !== etag) return "conflict";
        this.#files.linkSync(announcement, versionPath(place.versions, version));
        await syncFolder(this.#files, place.versions);
        if (version === 2) await syncFolder(this.#files, place.folder);
        pruneVersions(this.#files, place.versions);
        return { etag: etagOf(version, stat) };
      } catch (error) {
        // EEXIST: another writer was first. ENOENT: this one's announcement was pruned, or the object deleted.
        if (errnoOf(error) === "EEXIST" || errnoOf(error) === "ENOENT") return "conflict";
        throw error;
      } finally {
        removeFile(this.#files, announcement);
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const { objects } = this.#root;
    const look = (key: string): Omit<ObjectInfo, "key"> | undefined => {
      const found = this.#look(placeOf(objects, key));
      return found && { bytes: found.bytes, modifiedAt: found.modifiedAt };
    };
    try {
      yield* listObjects({ files: this.#files, folders: this.#folders, objects, look }, prefix);
    } catch (error) {
      throw asStoreError(error, { doing: "list", key: prefix, path: objects });
    }
  }

  async delete(key: string): Promise<void> {
    const place = this.#placeOf(key);
    return failingAs({ doing: "delete", key, path: place.plain }, () => {
      if (this.#folders.isThere(place.folder)) {
        // Once more after each removal: a writer that was under way may have put a version there meanwhile.
        this.#repeat(place, () => (this.#remove(place) ? undefined : "all gone"));
        this.#folders.prune(place.folder);
      }
      return Promise.resolve();
    });
  }

  #placeOf(key: string): Place {
    return placeOf(this.#root.objects, key);
  }

  /** Looks at the newest version, which `look` finds gone (undefined) when it was pruned a moment ago. */
  #newest<T>(place: Place, look: (path: string, version: number) => T | undefined): T | undefined {
    if (!this.#folders.isThere(place.folder)) return undefined;
    return this.#repeat(place, () => {
      const newest = readVersions(this.#files, place.versions)?.numbers.at(-1);
      if (newest === undefined) return { found: look(place.plain, 1) };
      const found = look(versionPath(place.versions, newest), newest);
      return found && { found };
    }).found;
  }

  #look(place: Place): Found | undefined {
    return this.#newest(place, (path, version) => {
      const stat = ifThere(() => this.#files.lstatSync(path, { bigint: true, throwIfNoEntry: false }));
      if (stat?.isFile() !== true) return undefined;
      return { version, bytes: Number(stat.size), etag: etagOf(version, stat), modifiedAt: Number(stat.mtimeMs) };
    });
  }

  /**
   * Removes what is there, and says whether there was anything. The plain file goes first and the newest version last: what a
   * crash leaves is the newest version, never an older one.
   */
  #remove(place: Place): boolean {
    const removed = removeFile(this.#files, place.plain);
    const versions = readVersions(this.#files, place.versions);
    if (versions === undefined) return removed;
    removeVersions(this.#files, place.versions, versions);
    removeEmptyFolder(this.#files, place.versions);
    return true;
  }

  /** Gives a temporary file the object's name; false when the object exists. */
  #linkNew(temporary: string, place: Place): boolean {
    for (let tries = 1; ; tries += 1) {
      this.#folders.make(place.folder);
      // A deletion that a crash cut short leaves the newest version without the plain file: the object still exists.
      if (readVersions(this.#files, place.versions)?.numbers.length) return false;
      try {
        this.#files.linkSync(temporary, place.plain);
        return true;
      } catch (error) {
        if (errnoOf(error) === "EEXIST") return this.#refuseForeign(place);
        if (errnoOf(error) !== "ENOENT" || tries === maxTries) throw error;
        this.#folders.forget(place.folder);
      }
    }
  }

  /** The name is taken: false if by an object. */
  #refuseForeign({ key, plain }: Place): false {
    const found = ifThere(() => this.#files.lstatSync(plain));
    if (found?.isSymbolicLink()) throw foreign(plain, "an object", "a symbolic link");
    if (found?.isDirectory()) throw invalidKey(key, "a key that others continue after a slash");
    return false;
  }

  #repeat<T>(place: Place, attempt: () => T | undefined): T {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const outcome = attempt();
      if (outcome !== undefined) return outcome;
    }
    throw new StampedeError(
      "store.unavailable",
      `Expected object ${place.key} (${place.plain}) to hold still, found that it changed ${maxTries} times in a row. Nothing was changed by this call.`,
      { details: { key: place.key, path: place.plain } },
    );
  }
}

/** Version, inode and time of writing (with a random part): opaque to everybody else. */
function etagOf(version: number, { ino, mtimeNs }: BigIntStats): string {
  return `${version}-${ino.toString(36)}-${mtimeNs.toString(36)}`;
}

async function failingAs<T>(failed: Failed, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SourceFailed ? error.cause : asStoreError(error, failed);
  }
}
