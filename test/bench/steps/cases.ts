import * as z from "zod";

export const CaseName = z.enum([
  "mlp",
  "mlp-adam",
  "big-mlp",
  "cnn",
  "cifar",
  "lstm",
  "resnet",
  "gru",
  "rnn",
  "lstm-2",
  "encoder",
]);
export type CaseName = z.infer<typeof CaseName>;

/** Those that every engine can train in reasonable time. */
export const usualCases: readonly CaseName[] = ["mlp", "mlp-adam", "big-mlp", "cnn", "cifar", "lstm"];

/** One network with its data, whose training step is timed. */
export interface StepCase {
  /** Everything that one must repeat to get the same step. */
  readonly parameters: string;
  readonly batchSize: number;
  /** A whole number of batches. */
  readonly rows: number;
  /** Multiplications with an addition that the forward pass needs for one row, layer by layer from the input; 0 for an embedding. */
  readonly multiplyAdds: readonly number[];
}

/** An engine is asked to train so many batches with one call, as an executor does. */
export const batchesPerCall = 64;

export const lstmShape = { vocabulary: 2000, embedding: 32, units: 64, length: 100 } as const;
export const seriesShape = { units: 128, length: 1000, inputs: 16 } as const;
export const encoderShape = {
  vocabulary: 5000,
  length: 64,
  width: 128,
  heads: 4,
  hidden: 256,
  layers: 4,
  dropout: 0.1,
  classes: 4,
} as const;

export const stepCases: Readonly<Record<CaseName, StepCase>> = {
  mlp: {
    parameters: "784-128-128-10 relu, dropout .2/.2, softmax; SGD .1; MNIST uint8; B64",
    batchSize: 64,
    rows: 32_768,
    multiplyAdds: [784 * 128, 128 * 128, 128 * 10],
  },
  "mlp-adam": {
    parameters: "784-128-128-10 relu, dropout .2/.2, softmax; Adam .001; MNIST uint8; B64",
    batchSize: 64,
    rows: 32_768,
    multiplyAdds: [784 * 128, 128 * 128, 128 * 10],
  },
  "big-mlp": {
    parameters: "784-512-512-10 relu, softmax; SGD .1; MNIST uint8; B64",
    batchSize: 64,
    rows: 32_768,
    multiplyAdds: [784 * 512, 512 * 512, 512 * 10],
  },
  cnn: {
    parameters:
      "28x28x1, conv 3x3x16, pool 2, conv 3x3x32, pool 2 (valid, relu), dense 10 softmax; SGD .05; MNIST uint8; B64",
    batchSize: 64,
    rows: 8192,
    multiplyAdds: [26 * 26 * 9 * 16, 11 * 11 * 144 * 32, 800 * 10],
  },
  cifar: {
    parameters:
      "32x32x3, conv 3x3 32, 32, pool 2, 64, 64, pool 2 (same, relu), dense 128 relu, dense 10 softmax; SGD .05; random uint8; B64",
    batchSize: 64,
    rows: 1024,
    multiplyAdds: [32 * 32 * 27 * 32, 32 * 32 * 288 * 32, 16 * 16 * 288 * 64, 16 * 16 * 576 * 64, 4096 * 128, 128 * 10],
  },
  lstm: {
    parameters: "embedding 2000x32, LSTM 64 over 100 steps, dense 1 sigmoid; Adam .01; random uint16; B32",
    batchSize: 32,
    rows: 1024,
    multiplyAdds: [0, 100 * (32 + 64) * 256, 64],
  },
  resnet: {
    parameters:
      "32x32x3, conv 3x3x16 + BN, six blocks of two conv 3x3 + BN (16, 16, 32, 32, 64, 64; stride 2 at the first of 32 and 64), global average, dense 10 softmax; momentum .05/.9; random uint8; B32",
    batchSize: 32,
    rows: 1024,
    multiplyAdds: [
      32 * 32 * 27 * 16,
      4 * 32 * 32 * 144 * 16,
      16 * 16 * (144 + 16 + 3 * 288) * 32,
      8 * 8 * (288 + 32 + 3 * 576) * 64,
      64 * 10,
    ],
  },
  gru: {
    parameters: "GRU 128 over 1,000 steps of 16 numbers, dense 1 sigmoid; Adam .001; random float32; B16",
    batchSize: 16,
    rows: 128,
    multiplyAdds: [1000 * 16 * 384, 1000 * 128 * 384, 128],
  },
  rnn: {
    parameters: "SimpleRNN 128 over 1,000 steps of 16 numbers, dense 1 sigmoid; Adam .001; random float32; B16",
    batchSize: 16,
    rows: 128,
    multiplyAdds: [1000 * 16 * 128, 1000 * 128 * 128, 128],
  },
  "lstm-2": {
    parameters:
      "embedding 2000x32, two LSTM 64 with sequences over 100 steps, dense 1 sigmoid of each step; Adam .01; random uint16; B32",
    batchSize: 32,
    rows: 1024,
    multiplyAdds: [0, 100 * (32 + 64) * 256, 100 * (64 + 64) * 256, 100 * 64],
  },
  encoder: {
    parameters:
      "embedding 5000x128, four transformer encoders (4 heads, hidden 256, dropout .1) over 64 words, mean, dense 4 softmax; Adam .001; random uint16; B32",
    batchSize: 32,
    rows: 1024,
    multiplyAdds: [0, 4 * 64 * (4 * 128 * 128 + 2 * 128 * 256 + 2 * 64 * 128), 128 * 4],
  },
};

/** Useful operations of one training step: forward, and backward to the weights and (but for the first layer) to the layer's input. */
export function gigaflopsOf({ multiplyAdds, batchSize }: StepCase): number {
  const forward = multiplyAdds.reduce((total, count) => total + count, 0);
  return (2 * batchSize * (3 * forward - (multiplyAdds[0] ?? 0))) / 1e9;
}
