import type { CaseName } from "../steps/cases.js";

/** The networks of the suite, by the names that `--net` takes. */
export const kernelNets = [
  "cnn",
  "cifar",
  "resnet",
  "lstm",
  "gru",
  "rnn",
  "lstm-2",
  "encoder",
] as const satisfies readonly CaseName[];
export type KernelNet = (typeof kernelNets)[number];

/** How many times faster than PyTorch a step is to be, at equal threads. */
export const wantedSpeedups: Readonly<Record<KernelNet, number>> = {
  cnn: 2,
  cifar: 1.4,
  resnet: 1.2,
  lstm: 1,
  gru: 3,
  rnn: 3,
  "lstm-2": 1,
  encoder: 2,
};

/** Their graph does not grow with the number of steps, and neither does the time that it takes to make and open it. */
export const recurrentNets: ReadonlySet<KernelNet> = new Set(["lstm", "gru", "rnn", "lstm-2"] as const);
