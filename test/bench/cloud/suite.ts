import { listPrices } from "@stampede/aws";
import { publishedLatencies, runFanOut, type FanOutFacts, type FanOutOptions } from "@stampede/testing/fan-out";
import { deployedCloud } from "../../support/fan-out.js";
import { figureOf, type Figure, type SuiteReport } from "../measure.js";
import { costFigures, requestsOfJob } from "./cost.js";
import { timelineOf } from "./timeline.js";
import type { VariantName } from "./variant-names.js";
import { variantOf } from "./variants.js";

export interface CloudOptions {
  /** Executors of the job whose cost is counted. */
  readonly sizes: readonly number[];
  /** Seconds of local work a round of the big fan-out. */
  readonly work: readonly number[];
  /** Executors of the big fan-out. */
  readonly fanOut: number;
  readonly variants: readonly VariantName[];
}

/** The network of the example, 784-128-128-10, on the images of MNIST. */
const mnist = { weightBytes: 472_104, dataBytes: 60_000 * 785, rounds: 10, localWorkMs: 30_000 } as const;
const big = { weightBytes: 100e6, partitionBytes: 10e6 } as const;
/** More rounds of very many executors take minutes to simulate, and are like those before. */
const simulatedRounds = (executors: number): number => (executors > 100 ? 3 : mnist.rounds);
/** The first one starts cold, and in the last one all weights are hashed. */
const bigRounds = 5;
const target = { atMost: 10 } as const;

/** What a job costs on AWS, and how much of a round is waiting: counted and simulated with the real driver, executors and parameter server. */
export async function cloudSuite(options: CloudOptions, tell: (text: string) => void): Promise<SuiteReport> {
  const figures: Figure[] = [];
  const notes: string[] = [];
  for (const executors of options.sizes) {
    tell(`  ${executors} executors, MNIST ...`);
    const { figures: own, notes: said } = await costsOf(executors);
    figures.push(...own);
    notes.push(...said);
  }
  for (const variant of options.variants) {
    for (const seconds of options.work) {
      const label = `${options.fanOut} executors, 100 MB, ${seconds} s of work, ${variant}`;
      tell(`  ${label} ...`);
      const { fanOut: partitions } = options;
      const size = { ...big, partitions, rounds: bigRounds, localWorkMs: seconds * 1000 };
      const facts = await simulated({ ...size, ...variantOf(variant) });
      figures.push(...overheads(label, facts, seconds >= 30));
      notes.push(...timelineOf(facts, label));
    }
  }
  notes.push(
    `Prices of ${listPrices.region}, ${listPrices.asOf}, without the free tier; latencies of ${publishedLatencies.asOf}: packages/testing/src/fan-out/latencies.ts.`,
    "Event sources poll also while nothing happens: some 900 receives an hour and queue, whether there are jobs or not.",
  );
  return {
    suite: "cloud",
    parameters: { ...mnist, bigWeightBytes: big.weightBytes, workSpread: 0.05, seed: 1 },
    figures,
    notes,
  };
}

async function costsOf(executors: number): Promise<{ figures: readonly Figure[]; notes: readonly string[] }> {
  const rounds = simulatedRounds(executors);
  const facts = await simulated({
    partitions: executors,
    rounds,
    weightBytes: mnist.weightBytes,
    partitionBytes: mnist.dataBytes / executors,
    localWorkMs: mnist.localWorkMs,
  });
  const requests = requestsOfJob(facts, mnist.rounds);
  const gbSeconds = Object.values(facts.gbSeconds).reduce((sum, used) => sum + used, 0) * (mnist.rounds / rounds);
  const label = `${executors} executors, ${mnist.rounds} rounds`;
  const cost = costFigures(label, requests, gbSeconds);
  const notes = rounds < mnist.rounds ? [`${label}: ${rounds} rounds were simulated.`] : [];
  return { figures: [...cost.figures, ...overheads(label, facts, false)], notes: [...cost.notes, ...notes] };
}

function simulated(options: Omit<FanOutOptions, "setup">): Promise<FanOutFacts> {
  return runFanOut({ ...options, setup: deployedCloud });
}

/** @param isMeant whether the target is about this one */
function overheads(label: string, { rounds }: FanOutFacts, isMeant: boolean): readonly Figure[] {
  const percent = rounds.map(({ overheadPercent }) => overheadPercent);
  const beside = rounds.map(({ wallMs, mostWorkMs }) => (100 * (wallMs - mostWorkMs)) / mostWorkMs);
  return [
    figureOf(`${label}: overhead against the slowest executor`, "%", percent, isMeant ? target : undefined),
    figureOf(`${label}: overhead against the most that one computes`, "%", beside),
  ];
}
