import { execFileSync } from "node:child_process";
import { cp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { builtBundles } from "./built-bundles.js";

/** Compiles the packages and bundles the functions anew where that is needed, and copies the bundles into a folder of the caller's. */
const [, , folder] = process.argv;
if (folder === undefined) throw new Error("Expected the folder for the bundles. Nothing is built.");
const root = join(import.meta.dirname, "..");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
execFileSync(process.execPath, [tsc, "-b", "packages", "functions"], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
});
const built = await builtBundles();
await rm(folder, { recursive: true, force: true });
await cp(built, folder, { recursive: true });
