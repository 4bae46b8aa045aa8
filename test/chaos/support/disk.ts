import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { succeeds } from "./command.js";
import type { RunOptions } from "./run.js";
import { until } from "./until.js";

/** A small disk, which somebody else may fill, and which can be made read-only. */
export interface Disk {
  /** Where a store on it lies, as this process sees it: to be read by plain calls, for it may lead through `/proc`. */
  readonly path: string;
  /** With them a run sees the disk. */
  readonly options: Pick<RunOptions, "home" | "through" | "preload" | "env">;
  /** Takes all the room but so many bytes. */
  fill(left: number): void;
  /** Gives it back. */
  empty(): void;
  /** Resolves when it is so: a disk that is being written cannot be read-only at once. */
  setReadOnly(readOnly: boolean): Promise<void>;
  close(): void;
}

type Kind = "mount" | "namespace" | "preload";

/**
 * A file system of its own in memory where this user may mount one; else one in a namespace of its own; else calls of node:fs that fail
 * as if there were one, which works everywhere.
 * @param folder an absolute path with nothing there
 */
export async function openDisk(folder: string, bytes: number): Promise<Disk> {
  mkdirSync(folder);
  const forced = process.env["STAMPEDE_CHAOS_DISK"];
  const kinds: readonly Kind[] = ["mount", "namespace", "preload"];
  for (const kind of kinds.filter((each) => forced === undefined || each === forced)) {
    const disk = await makers[kind](folder, bytes);
    if (disk === undefined) continue;
    process.stdout.write(`a small disk by ${kind}\n`);
    return disk;
  }
  throw new Error(`expected STAMPEDE_CHAOS_DISK to be one of ${kinds.join(", ")} that works here, found ${forced}`);
}

const makers: Readonly<Record<Kind, (folder: string, bytes: number) => Promise<Disk | undefined>>> = {
  mount: async (folder, bytes) => {
    if (!succeeds("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder])) return undefined;
    return {
      path: folder,
      options: { home: folder },
      ...filling(folder),
      setReadOnly: remounting(folder, succeeds),
      close: () => void succeeds("umount", ["--lazy", folder]),
    };
  },
  namespace: async (folder, bytes) => {
    const script = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && echo ready && exec cat`;
    const [program, ...words] = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, folder] as const;
    // It lives for as long as this process holds on to its input.
    const holder = spawn(program, words, { stdio: ["pipe", "pipe", "ignore"], cwd: dirname(folder) });
    if (!(await saysReady(holder))) return undefined;
    const target = ["--target", String(holder.pid), "--user", "--mount", "--preserve-credentials", "--wd", "--"];
    const path = `/proc/${holder.pid}/root${folder}`;
    return {
      path,
      options: { home: folder, through: ["nsenter", ...target] },
      ...filling(path),
      setReadOnly: remounting(folder, (command, rest) => succeeds("nsenter", [...target, command, ...rest])),
      close: () => void holder.kill("SIGKILL"),
    };
  },
  preload: async (folder, bytes) => {
    const state = { root: folder, left: bytes, readOnly: false, change: 0 };
    const file = `${folder}.json`;
    const write = (): void => {
      state.change += 1;
      // In one piece, for it may be read at any moment.
      writeFileSync(`${file}~`, JSON.stringify(state));
      renameSync(`${file}~`, file);
    };
    write();
    return {
      path: folder,
      options: { home: folder, preload: ["small-disk"], env: { STAMPEDE_CHAOS_DISK_STATE: file } },
      fill: (left) => {
        state.left = left;
        write();
      },
      empty: () => {
        state.left = bytes;
        write();
      },
      setReadOnly: async (readOnly) => {
        state.readOnly = readOnly;
        write();
      },
      close: () => undefined,
    };
  },
};

/** By a file that takes the room. */
function filling(folder: string): Pick<Disk, "fill" | "empty"> {
  const ballast = join(folder, "ballast");
  return {
    fill: (left) => {
      rmSync(ballast, { force: true });
      const { bavail, bsize } = statfsSync(folder);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)));
      } catch (error) {
        // Whoever writes at the same time has taken some of it already.
        if (!isErrno(error, "ENOSPC")) throw error;
      }
    },
    empty: () => rmSync(ballast),
  };
}

function remounting(folder: string, run: (command: string, words: readonly string[]) => boolean): Disk["setReadOnly"] {
  return async (readOnly) => {
    const words = ["-o", `remount,${readOnly ? "ro" : "rw"}`, folder];
    await until("the disk to be remounted", () => run("mount", words));
  };
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

async function saysReady(holder: ChildProcess): Promise<boolean> {
  if (holder.stdout === null) return false;
  const failed = Promise.race([once(holder, "exit"), once(holder, "error")]).then(() => false);
  return Promise.race([once(holder.stdout, "data").then(() => true), failed]);
}
