import { randomInt } from "node:crypto";
import { deltaNorm, tensorOf, type NamedTensors } from "@stampede/core";
import { figureOf, median, type Figure, type SuiteReport } from "../measure.js";
import { runMnistJob, type MnistJobRun } from "../mnist-job.js";
import { stragglerFigures } from "./straggler.js";
import { switchesModule } from "./switches-module.js";

export interface ReliabilityOptions {
  readonly executors: number;
  readonly epochs: number;
  readonly repeat: number;
}

/** The issue of reliability: fault-free cost of it all, in a round. */
const atMost = 3;

const variants = {
  "all on": [],
  "no signs of life": ["heartbeats"],
  "no fsync": ["fsync"],
  neither: ["heartbeats", "fsync"],
} as const;
type Variant = keyof typeof variants;

/** What reliability costs a round in which nothing goes wrong: the MNIST job with its parts on and off, taking turns. */
export async function reliabilitySuite({ executors, epochs, repeat }: ReliabilityOptions): Promise<SuiteReport> {
  const names = Object.keys(variants).filter((name): name is Variant => name in variants);
  const rounds = new Map<Variant, number[]>(names.map((name) => [name, []]));
  for (let turn = 0; turn < repeat; turn += 1) {
    // In another order every time, so that a machine that grows slower is nobody's fault.
    const start = randomInt(names.length);
    for (const name of [...names.slice(start), ...names.slice(0, start)]) {
      const run = await runMnistJob({ executors, epochs }, nodeOptionsOf(variants[name]));
      rounds.get(name)?.push(...warmRounds(run));
    }
  }
  return {
    suite: "reliability",
    parameters: { data: "MNIST", model: "784-128-128-10", batchSize: 64, executors, epochs, repeats: repeat },
    figures: [
      ...names.map((name) => figureOf(`round, ${name}`, "ms", rounds.get(name) ?? [])),
      ...costs(rounds),
      ...(await stragglerFigures({ executors, epochs }, repeat)),
    ],
    notes: ["The first round of each job is left out: it starts the engine."],
  };
}

function nodeOptionsOf(off: readonly string[]): { readonly imports: string; readonly env: Record<string, string> } {
  return { imports: switchesModule, env: { STAMPEDE_BENCH_OFF: off.join(",") } };
}

function warmRounds({ rounds }: MnistJobRun): readonly number[] {
  return rounds.slice(1).map(({ wallMs }) => wallMs);
}

function costs(rounds: ReadonlyMap<Variant, readonly number[]>): readonly Figure[] {
  const of = (name: Variant): number => median(rounds.get(name) ?? []);
  const all = of("all on");
  const share = (ms: number): number => (100 * ms) / all;
  const guard = guardMs();
  return [
    figureOf("cost of signs of life", "%", [share(all - of("no signs of life"))], { atMost }),
    figureOf("cost of fsync", "%", [share(all - of("no fsync"))], { atMost }),
    figureOf("norm and finiteness of one delta", "ms", guard),
    figureOf("cost of the guards", "%", guard.map(share), { atMost }),
    figureOf(
      "cost of all",
      "%",
      guard.map((ms) => share(all - of("neither") + ms)),
      { atMost },
    ),
  ];
}

/** What an executor does with the delta of the benchmark's model, before it commits it. */
function guardMs(): readonly number[] {
  const [before, after] = [weightsOf(0.5), weightsOf(0.25)];
  return Array.from({ length: 30 }, () => {
    const began = performance.now();
    deltaNorm(before, after);
    return performance.now() - began;
  }).slice(10);
}

function weightsOf(value: number): NamedTensors {
  const shapes = [[784, 128], [128], [128, 128], [128], [128, 10], [10]];
  return new Map(
    shapes.map((shape, index) => {
      const length = shape.reduce((size, extent) => size * extent, 1);
      return [`w${index}`, tensorOf(new Float32Array(length).fill(value), shape)];
    }),
  );
}
