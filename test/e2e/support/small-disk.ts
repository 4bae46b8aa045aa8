import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Does the work with a folder on a file system of its own in memory, of this size (`8k`, `4m`).
 * @returns false where this user may not mount one
 */
export async function withSmallDisk(size: string, work: (folder: string) => Promise<void>): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "stampede-small-"));
  const isMounted = succeeds("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  try {
    if (isMounted) await work(folder);
  } finally {
    if (isMounted) succeeds("umount", "--lazy", folder);
    await rm(folder, { recursive: true });
  }
  return isMounted;
}

function succeeds(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: "ignore" }).status === 0;
}
