import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import type { Figure, SuiteReport, Target } from "./measure.js";

export const repository = join(import.meta.dirname, "../..");
const resultsFolder = join(import.meta.dirname, "results");

/** Everything about the machine that a figure depends on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  readonly commit: string;
  readonly date: string;
  /** Processes that wanted to run in the minute before the suite began; more than a little makes the figures too slow. */
  readonly loadBefore: number;
}

/** Describes this machine as it is now; call it before the suite puts load on it. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch} ${release()}`,
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
    loadBefore: loadavg()[0] ?? 0,
  };
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: repository, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain") === "" ? "" : " with uncommitted changes";
    return git("rev-parse", "--short=12", "HEAD") + changed;
  } catch {
    return "unknown";
  }
}

/** Writes the JSON file of one suite and returns its path. */
export function writeReport(machine: Machine, report: SuiteReport): string {
  mkdirSync(resultsFolder, { recursive: true });
  const path = join(resultsFolder, `${report.suite}-${machine.date.replaceAll(/[:.]/g, "-")}.json`);
  writeFileSync(path, `${JSON.stringify({ version: 1, ...report, machine }, null, 2)}\n`);
  return path;
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, platform, node, date, loadBefore } = machine;
  const busy = loadBefore > cores / 4 ? "; THE MACHINE IS BUSY, figures are too slow" : "";
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${platform}, node ${node}, commit ${machine.commit}, ${date}, load ${loadBefore.toFixed(2)}${busy}`;
}

/** The suite as text: parameters, then one line a figure with its spread and target, then the notes. */
export function reportText({ suite, parameters, figures, table = [], notes = [] }: SuiteReport): string {
  const given = Object.entries(parameters).map(([name, value]) => `${name} ${value}`);
  const rows = [["figure", "median", "min ... max", "target", ""], ...figures.map(rowOf)];
  const sideBySide = table.length === 0 ? [] : ["", ...aligned(table), ""];
  return [`${suite}: ${given.join(", ")}`, ...aligned(rows), ...sideBySide, ...notes.map((note) => `  ${note}`)].join(
    "\n",
  );
}

function rowOf({ name, unit, value, samples, target, met }: Figure): string[] {
  const spread = samples.length < 2 ? "" : `${digits(Math.min(...samples))} ... ${digits(Math.max(...samples))}`;
  const verdict = met === undefined ? "" : met ? "met" : "NOT MET";
  return [name, `${digits(value)} ${unit}`, spread, target === undefined ? "" : targetText(target, unit), verdict];
}

function targetText(target: Target, unit: string): string {
  return "atLeast" in target ? `>= ${target.atLeast} ${unit}` : `<= ${target.atMost} ${unit}`;
}

/** Three significant digits, and whole numbers in full. */
export function digits(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
}
