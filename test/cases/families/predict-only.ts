import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layers, type Maker } from "../case.js";
import { floats } from "../data.js";
import { batchNorm } from "../right-kernels.js";

const pictures = floats([6, 7, 2]);
const sequences = floats([12, 3]);
const vectors = floats([6]);

function predicted(name: string, x: Maker, first: () => Layers, more: Partial<Case> = {}): Case {
  const flat = (): Layers => (x === vectors ? [] : [layers.flatten()]);
  const all = (): Layers => [...first(), ...flat(), layers.dense({ units: 2 })];
  return sequentialCase(name, all, [x, floats([2])], { loss: "meanSquaredError", ...more });
}

const onPictures = { kernelSize: 2, dilationRate: 2, inputShape: [6, 7, 2] };

/** What tfjs itself cannot train: gradients are missing, or its code fails. */
export const predictOnlyCases: readonly Case[] = [
  predicted("conv1d, dilation 2", sequences, () => [
    layers.conv1d({ filters: 4, kernelSize: 3, dilationRate: 2, activation: "relu", inputShape: [12, 3] }),
  ]),
  predicted("conv2d, dilation 2", pictures, () => [layers.conv2d({ filters: 3, ...onPictures })]),
  predicted("conv2d, dilation 2 x 1, same", pictures, () => [
    layers.conv2d({ filters: 3, ...onPictures, dilationRate: [2, 1], padding: "same" }),
  ]),
  predicted("separableConv2d, dilation 2", pictures, () => [layers.separableConv2d({ filters: 3, ...onPictures })]),
  predicted("conv3dTranspose", floats([2, 3, 3, 2]), () => [
    layers.conv3dTranspose({ filters: 2, kernelSize: 2, inputShape: [2, 3, 3, 2] }),
  ]),
  predicted("batchNormalization without scale", vectors, () => [
    layers.batchNormalization({ scale: false, inputShape: [6] }),
  ]),
  predicted("batchNormalization without center", vectors, () => [
    layers.batchNormalization({ center: false, inputShape: [6] }),
  ]),
  predicted(
    "batchNormalization along rows",
    pictures,
    () => [layers.batchNormalization({ axis: 1, inputShape: [6, 7, 2] })],
    { corrected: batchNorm },
  ),
  predicted("layerNormalization without scale and center", vectors, () => [
    layers.layerNormalization({ scale: false, center: false, inputShape: [6] }),
  ]),
  predicted("layer thresholdedReLU in the middle", vectors, () => [
    layers.dense({ units: 6, inputShape: [6] }),
    layers.thresholdedReLU({ theta: 0.2 }),
  ]),
];
