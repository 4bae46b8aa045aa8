import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Refusal } from "../bench/measure.js";
import { buildPackage, recipeFile, recipeKey } from "./build.js";
import { cacheFolder } from "../support/cache-folder.js";
import { requireSupported } from "./machine.js";
import { smokeTest } from "./smoke-test.js";

/**
 * Puts a @tensorflow/tfjs-node that works into `node_modules`; built from npm's and PyPI's packages where there is none yet. With
 * `--only-build` it is built, and `node_modules` stays as it is.
 */
const installed = join(import.meta.dirname, "../../node_modules/@tensorflow/tfjs-node");

async function main(): Promise<void> {
  requireSupported();
  const built = join(cacheFolder(), `tfjs-node-${recipeKey()}`);
  if (process.argv.includes("--only-build")) {
    if (!existsSync(built)) await buildPackage(built, tell);
    return;
  }
  if (isUpToDate() && smokeTest() === undefined) {
    tell("tfjs-node is there already, and works.");
    return;
  }
  if (existsSync(built)) tell(`Taking tfjs-node from ${built}.`);
  else await buildPackage(built, tell);
  install(built);
  const problem = smokeTest();
  if (problem === undefined) {
    tell("tfjs-node works. Engines left open now run on it; `npm ci` removes it.");
    return;
  }
  rmSync(installed, { recursive: true });
  throw new Refusal(
    `Expected the tfjs-node that was built to multiply two matrices, found: ${problem}. ` +
      `It was removed from node_modules; delete ${built} and run this again to build it anew.`,
  );
}

/** One that came from elsewhere, with a binding of its own, is not of this recipe, but it may work. */
function isUpToDate(): boolean {
  if (!existsSync(installed)) return false;
  const recipe = join(installed, recipeFile);
  return !existsSync(recipe) || readFileSync(recipe, "utf8") === recipeKey();
}

/**
 * A copy, because Node.js resolves what a linked package requires from where the package really is: it would not find the
 * repository's tfjs-core. Others never see half of it.
 */
function install(built: string): void {
  const copy = join(dirname(installed), `.tfjs-node-${process.pid}`);
  try {
    mkdirSync(dirname(installed), { recursive: true });
    cpSync(built, copy, { recursive: true, verbatimSymlinks: true });
    rmSync(installed, { recursive: true, force: true });
    renameSync(copy, installed);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  tell(error.message);
  process.exitCode = 1;
}
