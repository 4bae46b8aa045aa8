import type { Figure } from "../measure.js";
import { gigaflopsOf, stepCases, type CaseName } from "../steps/cases.js";
import { figuresFrom, speedupFigures, type Findings } from "../steps/findings.js";
import { race, type Entrant, type RaceOptions, type RaceResult } from "../steps/race.js";
import { engineLabels, engineParticipant, gemmParticipant, type EngineLabel } from "./participants.js";

/** Compiled with so many threads, and the practical limit that it is held against. */
const compiled = [
  { label: "compiled, 1 thread", threads: 1 },
  { label: "compiled, 2 threads", threads: 2 },
] as const satisfies readonly { label: EngineLabel; threads: number }[];

type Shape = readonly [m: number, k: number, n: number];

/** The products that are timed beside a case; the first one is its practical limit. */
const gemms: Readonly<Partial<Record<CaseName, readonly [Shape, ...Shape[]]>>> = {
  mlp: [
    [64, 784, 128],
    [784, 64, 128],
  ],
  "big-mlp": [[1024, 1024, 1024]],
};
/** Percent of that limit, with one thread. */
const targetShares: Readonly<Partial<Record<CaseName, number>>> = { mlp: 60, "big-mlp": 80 };
/** How many times faster than other engines, on the mlp. */
const targetSpeedups: Readonly<Partial<Record<EngineLabel, number>>> = { "tfjs-wasm": 40, "tfjs-node, 1 thread": 8 };

/** Training steps of all engines, taking turns with bare matrix products. */
export async function trainFindings(name: CaseName, folder: string, options: RaceOptions): Promise<Findings> {
  const runners = engineLabels.map((label): Entrant => {
    return { name: label, participant: engineParticipant(label), task: { kind: "train", folder } };
  });
  const entrants = [...runners, ...gemmEntrants(name)];
  try {
    const result = await race(entrants, options);
    const { notes, versions } = result;
    return { title: name, figures: figuresOf(name, result), notes, versions };
  } finally {
    for (const { participant } of entrants) participant.stop();
  }
}

function gemmEntrants(name: CaseName): Entrant[] {
  return (gemms[name] ?? []).flatMap((shape) =>
    compiled.map(({ threads }): Entrant => {
      const [m, k, n] = shape;
      return {
        name: gemmName(shape, threads),
        participant: gemmParticipant(),
        task: { kind: "gemm", m, k, n, threads },
      };
    }),
  );
}

function gemmName([m, k, n]: Shape, threads: number): string {
  return `Gemm ${m}x${k}x${n}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

function figuresOf(name: CaseName, result: RaceResult): readonly Figure[] {
  const timesOf = (entrant: string): readonly number[] => result.times.get(entrant) ?? [];
  const others = engineLabels.filter((label) => !compiled.some((one) => one.label === label));
  return [
    ...engineLabels.flatMap((label) => figuresFrom(`${name}: ${label}`, "ms/step", timesOf(label))),
    ...rateFigures(name, timesOf),
    ...others.flatMap((other) =>
      speedupFigures(name, result, compiled[0].label, other, name === "mlp" ? targetSpeedups[other] : undefined),
    ),
    ...speedupFigures(name, result, compiled[1].label, compiled[0].label),
  ];
}

/** Useful operations a second of training, and of the products beside it. */
function rateFigures(name: CaseName, timesOf: (entrant: string) => readonly number[]): readonly Figure[] {
  const gigaflops = gigaflopsOf(stepCases[name]);
  const shapes = gemms[name] ?? [];
  const rates = (entrant: string, work: number): readonly number[] => timesOf(entrant).map((ms) => (1000 * work) / ms);
  const gemmRates = (shape: Shape, threads: number): readonly number[] =>
    rates(gemmName(shape, threads), (2 * shape[0] * shape[1] * shape[2]) / 1e9);
  const limits = shapes.flatMap((shape) =>
    compiled.flatMap(({ threads }) => figuresFrom(gemmName(shape, threads), "GFLOP/s", gemmRates(shape, threads))),
  );
  const own = compiled.flatMap(({ label, threads }) => {
    const trained = rates(label, gigaflops);
    const figures = figuresFrom(`${name}: ${label}`, "GFLOP/s", trained);
    const [shape] = shapes;
    if (shape === undefined) return figures;
    const limit = gemmRates(shape, threads);
    const share = trained.length === limit.length ? trained.map((rate, i) => (100 * rate) / (limit[i] ?? 0)) : [];
    const atLeast = threads === 1 ? targetShares[name] : undefined;
    const title = `${name}: ${label}, share of ${gemmName(shape, threads)}`;
    return [...figures, ...figuresFrom(title, "%", share, atLeast === undefined ? undefined : { atLeast })];
  });
  return [...limits, ...own];
}
