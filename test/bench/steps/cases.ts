import * as z from "zod";

export const CaseName = z.enum(["mlp", "mlp-adam", "big-mlp", "cnn", "cifar", "lstm"]);
export type CaseName = z.infer<typeof CaseName>;

/** One network with its data, whose training step is timed. */
export interface StepCase {
  /** Everything that one must repeat to get the same step. */
  readonly parameters: string;
  readonly batchSize: number;
  /** A whole number of batches. */
  readonly rows: number;
  /** Multiplications with an addition that the forward pass needs for one row, layer by layer from the input; left out where nobody asks. */
  readonly multiplyAdds?: readonly number[];
}

/** An engine is asked to train so many batches with one call, as an executor does. */
export const batchesPerCall = 64;

export const lstmShape = { vocabulary: 2000, embedding: 32, units: 64, length: 100 } as const;

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
  },
};

/** Useful operations of one training step: forward, and backward to the weights and (but for the first layer) to the layer's input. */
export function gigaflopsOf({ multiplyAdds, batchSize }: StepCase): number | undefined {
  if (multiplyAdds === undefined) return undefined;
  const forward = multiplyAdds.reduce((total, count) => total + count, 0);
  return (2 * batchSize * (3 * forward - (multiplyAdds[0] ?? 0))) / 1e9;
}
