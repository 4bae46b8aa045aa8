import { figureOf, samplesOf, type Figure, type SuiteReport } from "../measure.js";
import { runMnistJob, type MnistJobRun } from "../mnist-job.js";
import { prepareElephas } from "./environment.js";
import { runElephas, type ElephasChannel, type ElephasMode, type ElephasRun } from "./run.js";

export interface ElephasSuiteOptions {
  readonly workers: number;
  readonly epochs: number;
  readonly repeat: number;
  readonly mode: ElephasMode;
  readonly channel: ElephasChannel;
}

/** DESIGN section 7, process start to trained model. */
const targetRatio = { synchronous: 15, asynchronous: 10, hogwild: 10 } as const satisfies Record<ElephasMode, number>;

interface Pair {
  readonly elephas: ElephasRun;
  readonly stampede: MnistJobRun;
}

/** Elephas and Stampede in turn on the same data, model and machine; Stampede always trains synchronously. */
export async function elephasSuite(
  { workers, epochs, repeat, mode, channel }: ElephasSuiteOptions,
  tell: (text: string) => void,
): Promise<SuiteReport> {
  const python = prepareElephas(tell);
  const runPair = async (options: { readonly epochs: number }): Promise<Pair> => {
    const elephas = await runElephas(python, { workers, mode, channel, ...options });
    return { elephas, stampede: await runMnistJob({ executors: workers, ...options }) };
  };
  await runPair({ epochs: 1 });
  const pairs = await samplesOf(repeat, () => runPair({ epochs }));
  const engine = pairs[0]?.stampede.submitted.engine ?? "unknown";
  const common = { data: "MNIST", model: "784-128-128-10", batchSize: 64, workers, epochs, repeats: repeat };
  const elephas = { elephas: "7.3.0", mode, ...(mode !== "synchronous" && { channel }) };
  return { suite: "elephas", parameters: { ...common, ...elephas, engine }, figures: figuresOf(pairs, mode) };
}

function figuresOf(pairs: readonly Pair[], mode: ElephasMode): readonly Figure[] {
  const of = (name: string, unit: string, value: (pair: Pair) => number | undefined): readonly Figure[] => {
    const samples = pairs.flatMap((pair) => value(pair) ?? []);
    return samples.length === 0 ? [] : [figureOf(name, unit, samples)];
  };
  const start = ({ elephas, stampede }: Pair): number => elephas.totalSeconds / stampede.startToTrainedSeconds;
  return [
    ...of("Elephas: process start to trained model", "s", ({ elephas }) => elephas.totalSeconds),
    ...of("Stampede: process start to trained model", "s", ({ stampede }) => stampede.startToTrainedSeconds),
    ...of("Elephas: fit", "s", ({ elephas }) => elephas.fitSeconds),
    ...of("Stampede: fit", "s", ({ stampede }) => stampede.succeeded.wallMs / 1000),
    ...of("Elephas: test accuracy", "", ({ elephas }) => elephas.accuracy),
    ...of("Stampede: test accuracy", "", ({ stampede }) => stampede.succeeded.validation?.["accuracy"]),
    figureOf("ratio, process start to trained model", "x", pairs.map(start), { atLeast: targetRatio[mode] }),
    ...of("ratio, fit", "x", ({ elephas, stampede }) => elephas.fitSeconds / (stampede.succeeded.wallMs / 1000)),
  ];
}
