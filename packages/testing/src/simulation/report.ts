import type { FailedSeed, Summary } from "./campaign.js";
import { judge } from "./judge.js";
import { scenarioOf } from "./scenario.js";
import type { Shrunk } from "./shrink.js";
import { simplified } from "./simplify.js";
import { timelineOf, type TraceEntry } from "./timeline.js";

/** How a fault is called on the command line. */
function faultName(point: number): string {
  return point.toString(36);
}

/** @throws RangeError for what is no name of a fault */
export function faultPoint(name: string): number {
  const point = Number.parseInt(name, 36);
  if (point >= 0 && point < 2 ** 32 && faultName(point) === name) return point;
  throw new RangeError(`Expected a fault's name, found ${name}.`);
}

/** A campaign in one line. */
export function summaryLine(summary: Summary, seconds: number): string {
  const { jobs, steps, faults, outcomes, slowest, failed } = summary;
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `${jobs} jobs in ${seconds.toFixed(1)} s (${Math.round(jobs / seconds)} jobs/s, ${Math.round(steps / seconds)} operations/s)`,
    `${total} faults: ${counted(faults)}`,
    `outcomes: ${counted(outcomes)}`,
    `slowest end: ${Math.round(slowest.tookMs / 1000)} virtual s (seed ${slowest.seed})`,
    failed.length === 0 ? "no promise broken" : `PROMISES BROKEN by ${failed.length} seeds`,
  ].join("; ");
}

function counted(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ");
}

/** What broke, and the command that plays it again, in one line. */
export function failureLine({ seed, violations }: FailedSeed, shrunk?: Shrunk): string {
  const [first, ...others] = shrunk?.violations ?? violations;
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return `seed ${seed}: [${first?.rule}] ${first?.message}${more} -- ${replayCommand(seed, shrunk)}`;
}

function replayCommand(seed: number, shrunk?: Shrunk): string {
  const command = `npm run simulate -- --seed ${seed}`;
  if (shrunk === undefined) return command;
  const faults = shrunk.faults.map(faultName).join();
  const changes = shrunk.changes.length === 0 ? "" : ` --simplify ${shrunk.changes.join()}`;
  return `${command} --only-faults ${faults === "" ? "none" : faults}${changes}`;
}

export interface Replay {
  readonly seed: number;
  readonly only: ReadonlySet<number> | undefined;
  readonly changes: readonly string[];
}

/** Plays one seed again: what happened, when and to whom, and what was broken. */
export async function replay({
  seed,
  only,
  changes,
}: Replay): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  const scenario = simplified(scenarioOf(seed), changes);
  const entries: TraceEntry[] = [];
  const onTrace = (entry: TraceEntry): void => void entries.push(entry);
  const { history, violations } = await judge(scenario, { onTrace, ...(only && { only }) });
  const { jobs, injected, fingerprint } = history;
  const lines = [
    timelineOf(entries),
    "",
    `seed ${seed}, fingerprint ${faultName(fingerprint)}`,
    ...jobs.map(
      ({ spec, plan, result }) => `${spec.job}: ${JSON.stringify(plan)}\n  ended as ${JSON.stringify(result)}`,
    ),
    `platform: ${JSON.stringify(scenario.habits)}`,
    ...injected.map(({ point, kind, who, what }) => `fault ${faultName(point)}: ${kind}, ${who}: ${what}`),
    ...violations.map(({ rule, message }) => `BROKEN [${rule}] ${message}`),
  ];
  return { text: lines.join("\n"), isWhole: violations.length === 0 };
}
