import * as fs from "node:fs";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderObjectStore, type Files } from "@stampede/local";
import { onTestFinished } from "vitest";

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "stampede-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A store in a folder of its own; `faults` replace functions of node:fs once it is open. */
export function makeStore(faults: Partial<Files> = {}): { readonly store: FolderObjectStore; readonly root: string } {
  const root = temporaryFolder();
  const files: Files = { ...fs };
  const store = FolderObjectStore.open(root, files);
  Object.assign(files, faults);
  return { store, root };
}

/** The error of a system call, as node:fs throws it. */
export function errno(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall, errno: -1 });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(found: { readonly body: Uint8Array } | undefined): string | undefined {
  return found && new TextDecoder().decode(found.body);
}

/** Every file and folder below `root`, folders with a slash. */
export function treeOf(root: string): readonly string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1) + (entry.isDirectory() ? "/" : ""))
    .toSorted();
}

export async function keysOf(store: FolderObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** The etag of a write that must have won. */
export function etagOf(outcome: { readonly etag: string } | "conflict"): string {
  if (outcome === "conflict") throw new Error("expected the write to win, found conflict");
  return outcome.etag;
}
