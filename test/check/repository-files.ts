import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The files that git tracks, or would track once added; relative to the repository, in order. */
export function repositoryFiles(root: string): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  return listed
    .toString()
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(root, path)))
    .toSorted();
}
