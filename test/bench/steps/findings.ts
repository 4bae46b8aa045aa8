import { figureOf, type Figure, type SuiteReport, type Target } from "../measure.js";
import { stepCases, type CaseName } from "./cases.js";
import { speedups, type RaceResult } from "./race.js";

/** What a part of a suite has shown. */
export interface Findings {
  /** Names the part. */
  readonly title: string;
  readonly figures: readonly Figure[];
  /** What was left out, and why. */
  readonly notes: readonly string[];
  readonly versions?: Readonly<Record<string, string>>;
}

/** A figure of these samples; none where there are none. */
export function figuresFrom(
  name: string,
  unit: string,
  samples: readonly number[],
  target?: Target,
): readonly Figure[] {
  return samples.length === 0 ? [] : [figureOf(name, unit, samples, target)];
}

/** How many times the one entrant is faster than the other. */
export function speedupFigures(
  title: string,
  result: RaceResult,
  faster: string,
  slower: string,
  atLeast?: number,
): readonly Figure[] {
  const name = `${title}: ${faster}, against ${slower}`;
  return figuresFrom(name, "x", speedups(result, faster, slower), atLeast === undefined ? undefined : { atLeast });
}

/** Puts the parts together. */
export function stepReport(
  suite: string,
  cases: readonly CaseName[],
  settings: SuiteReport["parameters"],
  findings: readonly Findings[],
): SuiteReport {
  const versions: Record<string, string> = Object.assign({}, ...findings.map((found) => found.versions ?? {}));
  const parameters = Object.fromEntries(cases.map((name) => [name, stepCases[name].parameters]));
  return {
    suite,
    parameters: { ...settings, ...versions, ...parameters },
    figures: findings.flatMap(({ figures }) => figures),
    notes: groupedNotes(findings),
  };
}

/** The same note about several parts is one, behind their titles. */
function groupedNotes(findings: readonly Findings[]): readonly string[] {
  const titles = new Map<string, string[]>();
  for (const { title, notes } of findings) {
    for (const note of notes) titles.set(note, [...(titles.get(note) ?? []), title]);
  }
  return [...titles].map(([note, about]) => `${about.join("; ")}: ${note}`);
}
