import { join } from "node:path";
import { engineParticipant, type EngineLabel } from "../engine/participants.js";
import type { SuiteReport } from "../measure.js";
import { writeCase } from "../steps/case-files.js";
import { batchesPerCall, type CaseName } from "../steps/cases.js";
import { figuresFrom, speedupFigures, stepReport, type Findings } from "../steps/findings.js";
import { Participant } from "../steps/participant.js";
import { race, type Entrant, type RaceOptions } from "../steps/race.js";
import { withFolder } from "../temporary.js";
import { preparePython, type Environment } from "./environment.js";

export interface PythonSuiteOptions {
  readonly repeat: number;
  readonly cases: readonly CaseName[];
}

const file = (name: string): string => join(import.meta.dirname, name);

/** Keras 3.15.1 and torch 2.15.0 declare >=3.11. */
const environment: Environment = {
  title: "PyTorch and Keras",
  name: "python",
  versions: ["3.11", "3.12"],
  requirements: file("requirements.txt"),
  requirementsAlone: file("requirements-alone.txt"),
  finish: file("without_cuda.py"),
};

const frameworks = {
  "PyTorch, 1 thread": ["steps_torch", "--threads", "1"],
  "PyTorch, 2 threads": ["steps_torch", "--threads", "2"],
  "Keras, default threads": ["steps_keras"],
  "Keras, 1 thread": ["steps_keras", "--threads", "1"],
  "Keras, 2 threads": ["steps_keras", "--threads", "2"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type FrameworkLabel = keyof typeof frameworks;

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
  const python = preparePython(environment, tell);
  const entrants = [
    ...(["compiled, 1 thread", "compiled, 2 threads"] as const).map((name) => ({
      name,
      participant: engineParticipant(name),
    })),
    ...Object.entries(frameworks).map(([name, args]) => ({
      name,
      // -B: no compiled files in the repository.
      participant: new Participant({ program: python, args: ["-B", file("participant.py"), ...args] }),
    })),
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
