import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case, type Layer, type Layers, type Maker } from "../case.js";
import { floats, padded } from "../data.js";
import { bilinearGradient, nearestGradient } from "../right-kernels.js";

const loss = "meanSquaredError";
type Start = readonly [Maker, () => Layer];

const pictures: Start = [
  floats([5, 6, 2]),
  () => layers.conv2d({ filters: 2, kernelSize: 2, activation: "tanh", inputShape: [5, 6, 2] }),
];
const sequences: Start = [floats([5, 3]), () => layers.dense({ units: 4, activation: "tanh", inputShape: [5, 3] })];
const vectors: Start = [floats([4]), () => layers.dense({ units: 6, activation: "tanh", inputShape: [4] })];

/** Something is trained before and after, so that gradients pass through what is in between. */
function through(name: string, [x, first]: Start, middle: () => Layers, more: Partial<Case> = {}): Case {
  const all = (): Layers => [first(), ...middle(), layers.dense({ units: 2 })];
  return sequentialCase(name, all, [x, floats([2])], { loss, optimizer: () => tf.train.sgd(0.1), ...more });
}

const flat = (): Layer => layers.flatten();
const perStep = (): Layer => layers.dense({ units: 3, activation: "tanh" });

/** Padded steps are masked, which the layers after it see. */
function masked(): ReturnType<typeof model> {
  const x = input({ shape: [5, 3] });
  const hidden = layers.masking({ maskValue: 0 }).apply(x);
  const last = layers.simpleRNN({ units: 4 }).apply(hidden);
  return model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(last) as SymbolicTensor });
}

/** Enlarges 4 x 5 to 8 x 15. */
const enlarged = (interpolation: "nearest" | "bilinear") => (): Layers => [
  layers.upSampling2d({ size: [2, 3], interpolation }),
  layers.conv2d({ filters: 1, kernelSize: 3, strides: 2, activation: "tanh" }),
  flat(),
];

export const shapeCases: readonly Case[] = [
  through("reshape", vectors, () => [layers.reshape({ targetShape: [3, 2] }), perStep(), flat()]),
  through("permute", sequences, () => [layers.permute({ dims: [2, 1] }), perStep(), flat()]),
  through("flatten, channels first", pictures, () => [layers.flatten({ dataFormat: "channelsFirst" })]),
  through("repeatVector", vectors, () => [layers.repeatVector({ n: 3 }), perStep(), flat()]),
  through("cropping2D", pictures, () => [
    layers.cropping2D({
      cropping: [
        [1, 0],
        [2, 1],
      ],
    }),
    flat(),
  ]),
  through("zeroPadding2d", pictures, () => [
    layers.zeroPadding2d({
      padding: [
        [1, 0],
        [2, 1],
      ],
    }),
    layers.conv2d({ filters: 1, kernelSize: 3 }),
    flat(),
  ]),
  through("upSampling2d nearest", pictures, enlarged("nearest"), { corrected: nearestGradient }),
  through("upSampling2d bilinear", pictures, enlarged("bilinear"), { corrected: bilinearGradient }),
  through("timeDistributed dense", sequences, () => [layers.timeDistributed({ layer: perStep() }), flat()]),
  sequentialCase(
    "timeDistributed conv2d",
    () => [
      layers.timeDistributed({ layer: layers.conv2d({ filters: 2, kernelSize: 2 }), inputShape: [3, 4, 4, 1] }),
      flat(),
      layers.dense({ units: 2 }),
    ],
    [floats([3, 4, 4, 1]), floats([2])],
    { loss, optimizer: () => tf.train.sgd(0.1) },
  ),
  through("rescaling", vectors, () => [layers.rescaling({ scale: 0.5, offset: 0.1 })]),
  functionalCase("masking", masked, [[padded(5, 3)], [floats([2])]], { loss }),
];
