import type { Dirent } from "node:fs";
import { join } from "node:path";
import type { ObjectInfo } from "@stampede/core";
import { ifThere, type Files } from "./files.js";
import type { Folders } from "./folders.js";
import { segmentsOf } from "./key.js";

interface Entry {
  readonly name: string;
  readonly kind: "folder" | "object" | "replaced";
}

export interface Walk {
  readonly files: Files;
  readonly folders: Folders;
  readonly objects: string;
  /** The object's newest version; undefined when it is gone. */
  readonly look: (key: string) => Omit<ObjectInfo, "key"> | undefined;
}

/**
 * All objects whose key begins with `prefix`, one folder in memory at a time.
 * @throws StampedeError `store.invalid-key` when no key can begin like that
 */
export function* listObjects(walk: Walk, prefix: string): Generator<ObjectInfo> {
  const cut = prefix.lastIndexOf("/") + 1;
  const folder = prefix.slice(0, cut);
  const segments = folder === "" ? [] : segmentsOf(folder.slice(0, -1));
  yield* listFolder(walk, join(walk.objects, ...segments), folder, prefix.slice(cut));
}

function* listFolder(walk: Walk, path: string, folder: string, beginning: string): Generator<ObjectInfo> {
  const { files, folders, look } = walk;
  if (!folders.isThere(path)) return;
  const found = ifThere(() => files.readdirSync(path, { withFileTypes: true })) ?? [];
  for (const { name, kind } of entriesOf(found, beginning)) {
    const key = folder + name;
    if (kind === "folder") {
      yield* listFolder(walk, join(path, name), `${key}/`, "");
      continue;
    }
    const stat = kind === "replaced" ? undefined : ifThere(() => files.lstatSync(join(path, name)));
    const info = kind === "replaced" ? look(key) : stat && { bytes: stat.size, modifiedAt: stat.mtimeMs };
    if (info !== undefined) yield { key, ...info };
  }
}

/** In the order of keys: a folder stands where the keys in it do, `a.txt` before `a/b` and `a0` after. */
function entriesOf(found: readonly Dirent[], beginning: string): readonly Entry[] {
  const entries = new Map<string, Entry>();
  for (const entry of found) {
    if (!entry.name.startsWith(beginning)) continue;
    if (entry.isDirectory() && entry.name.endsWith("~")) {
      const name = entry.name.slice(0, -1);
      entries.set(name, { name, kind: "replaced" });
    } else if (entry.isDirectory()) {
      entries.set(`${entry.name}/`, { name: entry.name, kind: "folder" });
    } else if (entry.isFile() && !entry.name.endsWith("~") && !entries.has(entry.name)) {
      entries.set(entry.name, { name: entry.name, kind: "object" });
    }
  }
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}
