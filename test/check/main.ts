import { readFileSync } from "node:fs";
import { join } from "node:path";
import { violations } from "./fences.js";
import { readPackages } from "./packages.js";
import { repositoryFiles } from "./repository-files.js";
import { trackedFileViolations, type TrackedFile } from "./tracked-files.js";

/** Checks what no other tool checks: the fences between packages and what is tracked by git. Exit code 1 on a finding. */
const root = join(import.meta.dirname, "../..");

function trackedFile(path: string): TrackedFile {
  const body = readFileSync(join(root, path));
  return { path, bytes: body.length, text: body.includes(0) ? undefined : body.toString() };
}

const packages = readPackages(root);
const files = repositoryFiles(root);
const found = [...violations(packages), ...trackedFileViolations(files.map(trackedFile))];
for (const { place, message } of found) process.stderr.write(`${place} ${message}\n`);
if (found.length === 0) process.stdout.write(`Fences hold: ${packages.length} packages, ${files.length} files.\n`);
process.exitCode = found.length === 0 ? 0 : 1;
