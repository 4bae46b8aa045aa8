import { engineParticipant, type EngineLabel } from "../engine/participants.js";
import type { SuiteReport } from "../measure.js";
import { writeCase } from "../steps/case-files.js";
import { batchesPerCall, type CaseName } from "../steps/cases.js";
import { figuresFrom, speedupFigures, stepReport, type Findings } from "../steps/findings.js";
import { race, type Entrant, type RaceOptions } from "../steps/race.js";
import { withFolder } from "../temporary.js";
import { frameworkLabels, frameworkParticipant, type FrameworkLabel } from "./frameworks.js";

export interface PythonSuiteOptions {
  readonly repeat: number;
  readonly cases: readonly CaseName[];
}

interface Comparison {
  readonly ours: EngineLabel;
  readonly theirs: FrameworkLabel;
  /** At least so many times faster, where the case has no number of its own. */
  readonly usually?: number;
  readonly targets?: Readonly<Partial<Record<CaseName, number>>>;
}

/** DESIGN section 7: every network at least as fast as PyTorch at equal threads. */
const comparisons: readonly Comparison[] = [
  { ours: "compiled, 1 thread", theirs: "PyTorch, 1 thread", usually: 1, targets: { mlp: 2.5 } },
  { ours: "compiled, 2 threads", theirs: "PyTorch, 2 threads", usually: 1 },
  { ours: "compiled, 1 thread", theirs: "Keras, default threads", targets: { mlp: 4 } },
  { ours: "compiled, 1 thread", theirs: "Keras, 1 thread" },
];

const roundsPerRepeat = 3;
/** Longer than between engines: Python's libraries take a while to get into step. */
const turnMs = 600;

/** Training steps of PyTorch and Keras beside those of the compiled engine, in turn. */
export function pythonSuite({ repeat, cases }: PythonSuiteOptions, tell: (text: string) => void): Promise<SuiteReport> {
  const makeTheirs = frameworkParticipant(tell);
  const entrants = [
    ...(["compiled, 1 thread", "compiled, 2 threads"] as const).map((name) => ({
      name,
      participant: engineParticipant(name),
    })),
    ...frameworkLabels.map((name) => ({ name, participant: makeTheirs(name) })),
  ];
  return withFolder(async (parent) => {
    const options = { rounds: roundsPerRepeat * repeat, turnMs };
    const findings: Findings[] = [];
    try {
      for (const name of cases) {
        tell(`  ${name}`);
        const folder = await writeCase(parent, name);
        const tasked = entrants.map((entrant): Entrant => ({ ...entrant, task: { kind: "train", folder } }));
        findings.push(await caseFindings(name, tasked, options));
      }
    } finally {
      for (const { participant } of entrants) participant.stop();
    }
    return stepReport("python", cases, { ...options, batchesPerCall }, findings);
  });
}

async function caseFindings(name: CaseName, entrants: readonly Entrant[], options: RaceOptions): Promise<Findings> {
  const result = await race(entrants, options);
  const times = [...result.times].flatMap(([entrant, samples]) =>
    figuresFrom(`${name}: ${entrant}`, "ms/step", samples),
  );
  const ratios = comparisons.flatMap(({ ours, theirs, usually, targets }) =>
    speedupFigures(name, result, ours, theirs, targets?.[name] ?? usually),
  );
  const { notes, versions } = result;
  return { title: name, figures: [...times, ...ratios], notes, versions };
}
