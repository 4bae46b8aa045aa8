import { engineParticipant } from "../engine/participants.js";
import { figureOf, type Figure, type SuiteReport } from "../measure.js";
import { frameworkParticipant, type FrameworkLabel } from "../python/frameworks.js";
import { writeCase } from "../steps/case-files.js";
import { figuresFrom, speedupFigures, stepReport, type Findings } from "../steps/findings.js";
import { messageOf, race, type Entrant, type RaceOptions, type RaceResult } from "../steps/race.js";
import { withFolder } from "../temporary.js";
import { compileCase, type Compiled } from "./compile.js";
import { growthOf } from "./memory.js";
import { sideBySide } from "./table.js";
import { recurrentNets, wantedSpeedups, type KernelNet } from "./nets.js";
import { productEntrants, productFigures } from "./products.js";

export interface KernelsSuiteOptions {
  readonly repeat: number;
  readonly nets: readonly KernelNet[];
}

const turnMs = 600;
const maxBytes = 100_000;
const maxReadyMs = 150;

const rivals = [
  { ours: "compiled, 1 thread", theirs: "PyTorch, 1 thread", isTarget: true },
  { ours: "compiled, 2 threads", theirs: "PyTorch, 2 threads", isTarget: true },
  { ours: "compiled, 1 thread", theirs: "Keras, 1 thread", isTarget: false },
  { ours: "compiled, 2 threads", theirs: "Keras, 2 threads", isTarget: false },
] as const;
const ours = ["compiled, 1 thread", "compiled, 2 threads"] as const;
const theirs: readonly FrameworkLabel[] = [
  "PyTorch, 1 thread",
  "PyTorch, 2 threads",
  "Keras, 1 thread",
  "Keras, 2 threads",
];

/** Convolutional, recurrent and attention nets beside PyTorch and Keras, at equal threads: steps, memory, files, and the time until the first step. */
export function kernelsSuite(
  { repeat, nets }: KernelsSuiteOptions,
  tell: (text: string) => void,
): Promise<SuiteReport> {
  const makeTheirs = frameworkParticipant(tell);
  const participants = [
    ...ours.map((name) => ({ name, participant: engineParticipant(name) })),
    ...theirs.map((name) => ({ name, participant: makeTheirs(name) })),
  ];
  return withFolder(async (parent) => {
    const options = { rounds: repeat, turnMs };
    const findings: Findings[] = [];
    try {
      for (const net of nets) {
        tell(`  ${net}`);
        const folder = await writeCase(parent, net);
        const entrants = participants.map((one): Entrant => ({ ...one, task: { kind: "train", folder } }));
        findings.push(await netFindings(net, folder, entrants, options));
      }
    } finally {
      for (const { participant } of participants) participant.stop();
    }
    const report = stepReport("kernels", nets, options, findings);
    return { ...report, table: sideBySide(nets, report.figures) };
  });
}

async function netFindings(
  net: KernelNet,
  folder: string,
  entrants: readonly Entrant[],
  options: RaceOptions,
): Promise<Findings> {
  const notes: string[] = [];
  let compiled: Compiled | undefined;
  try {
    compiled = await compileCase(folder);
  } catch (error) {
    notes.push(`compiled left out: ${messageOf(error).trim()}`);
  }
  const running = compiled === undefined ? entrants.filter(({ name }) => !isOurs(name)) : entrants;
  const grown = await growths(running, notes);
  const products = productEntrants();
  let result: RaceResult;
  try {
    result = await race([...running, ...products], options);
  } finally {
    for (const { participant } of products) participant.stop();
  }
  const times = running.flatMap(({ name }) => figuresFrom(`${net}: ${name}`, "ms/step", result.times.get(name) ?? []));
  const ratios = rivals.flatMap(({ ours: fast, theirs: slow, isTarget }) =>
    speedupFigures(net, result, fast, slow, isTarget ? wantedSpeedups[net] : undefined),
  );
  const figures = [
    ...times,
    ...ratios,
    ...productFigures(net, result),
    ...memoryFigures(net, grown),
    ...compileFigures(net, compiled),
  ];
  return { title: net, figures, notes: [...notes, ...result.notes], versions: result.versions };
}

function isOurs(name: string): boolean {
  return ours.some((one) => one === name);
}

async function growths(entrants: readonly Entrant[], notes: string[]): Promise<ReadonlyMap<string, number>> {
  const grown = new Map<string, number>();
  for (const entrant of entrants.filter(({ name }) => name.endsWith(" 1 thread"))) {
    try {
      const growth = await growthOf(entrant);
      if (growth !== undefined) grown.set(entrant.name, growth);
    } catch (error) {
      notes.push(`${entrant.name}, memory left out: ${messageOf(error)}`);
    }
  }
  return grown;
}

/** Ours is to be no more than PyTorch's. */
function memoryFigures(net: KernelNet, grown: ReadonlyMap<string, number>): readonly Figure[] {
  const atMost = grown.get("PyTorch, 1 thread");
  return [...grown].map(([name, growth]) =>
    figureOf(
      `${net}: ${name}, memory growth`,
      "MB",
      [growth],
      isOurs(name) && atMost !== undefined ? { atMost: Math.round(atMost) } : undefined,
    ),
  );
}

function compileFigures(net: KernelNet, compiled: Compiled | undefined): readonly Figure[] {
  if (compiled === undefined) return [];
  const isRecurrent = recurrentNets.has(net);
  return [
    figureOf(`${net}: graph file`, "bytes", [compiled.bytes], { atMost: maxBytes }),
    figureOf(`${net}: trace, encode, open`, "ms", compiled.readyMs, isRecurrent ? { atMost: maxReadyMs } : undefined),
  ];
}
