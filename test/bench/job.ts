import { figureOf, samplesOf, type Figure, type SuiteReport } from "./measure.js";
import { runMnistJob, type MnistJobRun } from "./mnist-job.js";

export interface JobSuiteOptions {
  readonly executors: number;
  readonly epochs: number;
  readonly repeat: number;
}

/** DESIGN section 7: time outside the slowest executor's own is less than a tenth of a round. */
const maxOverheadPercent = 10;

/** The whole MNIST job through the command line. */
export async function jobSuite({ executors, epochs, repeat }: JobSuiteOptions): Promise<SuiteReport> {
  await runMnistJob({ executors, epochs: 1 });
  const runs = await samplesOf(repeat, () => runMnistJob({ executors, epochs }));
  const engine = runs[0]?.submitted.engine ?? "unknown";
  return {
    suite: "job",
    parameters: { data: "MNIST", model: "784-128-128-10", batchSize: 64, executors, epochs, engine, repeats: repeat },
    figures: figuresOf(runs),
  };
}

function figuresOf(runs: readonly MnistJobRun[]): readonly Figure[] {
  const peaks = runs.flatMap(({ peakRssBytes }) => (peakRssBytes === undefined ? [] : [peakRssBytes / 1e6]));
  const accuracies = runs.flatMap(({ succeeded }) => succeeded.validation?.["accuracy"] ?? []);
  const overheads = runs.flatMap(({ rounds }) => rounds.map(overheadPercent));
  const atMost = maxOverheadPercent;
  return [
    figureOf(
      "process start to trained model",
      "s",
      runs.map(({ startToTrainedSeconds }) => startToTrainedSeconds),
    ),
    figureOf(
      "fit (data, rounds, saved model)",
      "s",
      runs.map(({ succeeded }) => succeeded.wallMs / 1000),
    ),
    figureOf(
      "data sets written",
      "s",
      runs.map((run) => sum(run.data.map(({ ms }) => ms)) / 1000),
    ),
    figureOf(
      "rounds",
      "s",
      runs.map((run) => sum(run.rounds.map(({ wallMs }) => wallMs)) / 1000),
    ),
    figureOf("overhead of one round", "%", overheads, { atMost }),
    figureOf("overhead of all rounds", "%", runs.map(totalOverheadPercent), { atMost }),
    ...optional("peak memory of the process", "MB", peaks),
    ...optional("test accuracy", "", accuracies),
  ];
}

function overheadPercent({ wallMs, slowestMs }: { readonly wallMs: number; readonly slowestMs: number }): number {
  return (100 * (wallMs - slowestMs)) / wallMs;
}

function totalOverheadPercent({ rounds }: MnistJobRun): number {
  return overheadPercent({
    wallMs: sum(rounds.map(({ wallMs }) => wallMs)),
    slowestMs: sum(rounds.map(({ slowestMs }) => slowestMs)),
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function optional(name: string, unit: string, samples: readonly number[]): readonly Figure[] {
  return samples.length === 0 ? [] : [figureOf(name, unit, samples)];
}
