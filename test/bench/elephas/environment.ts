import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Refusal } from "../measure.js";

const requirementsFile = join(import.meta.dirname, "requirements.txt");

/** Elephas 7.3.0 declares <3.13, Keras 3.15.1 declares >=3.11. */
const pythonVersions: readonly string[] = ["3.11", "3.12"];
/** https://spark.apache.org/docs/4.0.0/#downloading */
const minJava = 17;

/**
 * The Python of a virtual environment with Elephas; made from PyPI (2.6 GB on disk) when there is none yet.
 * @throws Refusal when Java or a fitting Python is missing, or the packages cannot be installed
 */
export function preparePython(tell: (text: string) => void): string {
  requireJava();
  const requirements = readFileSync(requirementsFile, "utf8");
  const name = `elephas-${createHash("sha256").update(requirements).digest("hex").slice(0, 12)}`;
  const folder = join(benchHome(), name);
  const python = join(folder, "bin/python");
  const complete = join(folder, "complete");
  if (existsSync(complete)) return python;
  const base = findPython();
  tell(`Installing Elephas into ${folder}: once, a few minutes.`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(benchHome(), { recursive: true });
  run(base, ["-m", "venv", folder]);
  run(python, ["-m", "pip", "install", "--quiet", "--no-input", "-r", requirementsFile]);
  writeFileSync(complete, "");
  return python;
}

/** STAMPEDE_BENCH_HOME, else a folder among the user's caches. Never inside the repository. */
function benchHome(): string {
  const { STAMPEDE_BENCH_HOME: home, XDG_CACHE_HOME: cache } = process.env;
  if (home !== undefined && home !== "") return home;
  if (process.platform === "darwin") return join(homedir(), "Library/Caches/stampede-bench");
  return join(cache === undefined || cache === "" ? join(homedir(), ".cache") : cache, "stampede-bench");
}

function requireJava(): void {
  const home = process.env["JAVA_HOME"];
  const java = home === undefined || home === "" ? "java" : join(home, "bin/java");
  // `java -version` writes to stderr; up to Java 8 versions read 1.8.
  const { status, stderr } = spawnSync(java, ["-version"], { encoding: "utf8" });
  const major = status === 0 ? /version "(\d+)/.exec(stderr)?.[1] : undefined;
  if (major !== undefined && Number(major) >= minJava) return;
  const found = major === undefined ? "none" : `version ${major}`;
  throw new Refusal(
    `Expected Java ${minJava} or newer for Spark (JAVA_HOME or java on the PATH), found ${found}. Nothing was started.`,
  );
}

function findPython(): string {
  const named = process.env["STAMPEDE_BENCH_PYTHON"];
  const candidates =
    named === undefined || named === "" ? [...pythonVersions.map((version) => `python${version}`), "python3"] : [named];
  const found = candidates.map((command) => ({ command, version: pythonVersion(command) }));
  const fitting = found.find(({ version }) => version !== undefined && pythonVersions.includes(version));
  if (fitting !== undefined) return fitting.command;
  const seen = found.map(({ command, version }) => `${command} (${version ?? "not there, or without venv"})`);
  throw new Refusal(
    `Expected Python ${pythonVersions.join(" or ")} with the module venv for Elephas, found ${seen.join(", ")}. ` +
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
