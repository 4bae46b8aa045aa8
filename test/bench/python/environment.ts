import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../support/cache-folder.js";
import { Refusal } from "../measure.js";

/** A virtual environment that a suite needs. Files are paths. */
export interface Environment {
  /** For people. */
  readonly title: string;
  /** Begins the name of its folder. */
  readonly name: string;
  readonly versions: readonly string[];
  readonly requirements: string;
  /** More requirements, installed without what they depend on. */
  readonly requirementsAlone?: string;
  /** A program that its Python runs once everything is installed. */
  readonly finish?: string;
}

/**
 * The Python of a virtual environment, made from PyPI when there is none yet. It is made anew when one of its files changes.
 * @throws Refusal when a fitting Python is missing, or the packages cannot be installed
 */
export function preparePython(environment: Environment, tell: (text: string) => void): string {
  const { title, requirements, requirementsAlone, finish } = environment;
  const folder = join(cacheFolder(), `${environment.name}-${hashOf(environment)}`);
  const python = join(folder, "bin/python");
  const complete = join(folder, "complete");
  if (existsSync(complete)) return python;
  const base = findPython(environment);
  tell(`Installing ${title} into ${folder}: once, a few minutes.`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cacheFolder(), { recursive: true });
  run(base, ["-m", "venv", folder]);
  const install = ["-m", "pip", "install", "--quiet", "--no-input"];
  run(python, [...install, "-r", requirements]);
  if (requirementsAlone !== undefined) run(python, [...install, "--no-deps", "-r", requirementsAlone]);
  if (finish !== undefined) run(python, [finish]);
  writeFileSync(complete, "");
  return python;
}

function hashOf({ requirements, requirementsAlone, finish }: Environment): string {
  const hash = createHash("sha256");
  for (const file of [requirements, requirementsAlone, finish]) {
    if (file !== undefined) hash.update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 12);
}

function findPython({ title, versions }: Environment): string {
  const named = process.env["STAMPEDE_BENCH_PYTHON"];
  const candidates =
    named === undefined || named === "" ? [...versions.map((version) => `python${version}`), "python3"] : [named];
  const found = candidates.map((command) => ({ command, version: pythonVersion(command) }));
  const fitting = found.find(({ version }) => version !== undefined && versions.includes(version));
  if (fitting !== undefined) return fitting.command;
  const seen = found.map(({ command, version }) => `${command} (${version ?? "not there, or without venv"})`);
  throw new Refusal(
    `Expected Python ${versions.join(" or ")} with the module venv for ${title}, found ${seen.join(", ")}. ` +
      "Nothing was started; name one in STAMPEDE_BENCH_PYTHON.",
  );
}

/** `3.11`; undefined for a command that does not run or cannot make virtual environments. */
function pythonVersion(command: string): string | undefined {
  const program = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
  const { status, stdout } = spawnSync(command, ["-c", program], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  throw new Refusal(`${[command, ...args].join(" ")} failed (${error?.message ?? `exit code ${status}`}).`);
}
