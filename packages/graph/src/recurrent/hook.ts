import type * as Tf from "@tensorflow/tfjs-core";
import type { RNN } from "@tensorflow/tfjs-layers";
import { loadCore, loadLayers } from "../tfjs.js";
import { hookMethod } from "../trace/hook.js";
import type { Recording } from "../trace/recording.js";
import { untraceable } from "../trace/untraceable.js";
import { withMasks, isTensor, stateSizes, type CellCall } from "./cells.js";
import { runSequence } from "./kernel.js";
import { withTimeDistributedLayers } from "./time-distributed.js";

/**
 * While `work` runs, tfjs' recurrent layers are one operation each, in place of one copy of their cell for every step: all of them
 * (bidirectional and convolutional ones too) come to `RNN.call`, which is put back when `work` returns or throws. Other hooks of layers
 * are put in place by `work`, or they would hold on to what was there before.
 */
export function withRecurrentLayers<T>(recording: Recording, work: () => T): T {
  const { RNN: layerClass } = loadLayers();
  const makeStates: unknown = Reflect.get(layerClass.prototype, "getInitialState");
  const restore = hookMethod(layerClass.prototype, "call", function call(this: RNN, inputs, kwargs) {
    return loadCore().tidy(() => callLayer(recording, this, makeStates, inputs, kwargs));
  });
  try {
    return withTimeDistributedLayers(work);
  } finally {
    restore();
  }
}

/** What tfjs' own `RNN.call` does, around one operation. */
function callLayer(
  recording: Recording,
  layer: RNN,
  makeStates: unknown,
  inputs: Tf.Tensor | Tf.Tensor[],
  kwargs: Readonly<Record<string, unknown>> | null | undefined,
): Tf.Tensor | Tf.Tensor[] {
  const tf = loadCore();
  if (layer.stateful) {
    const found = `the layer "${layer.name}" with "stateful", which goes on from one batch to the next`;
    throw untraceable("stateful", found, { layer: layer.name });
  }
  const given = Array.isArray(inputs) ? inputs[0] : inputs;
  if (given === undefined) throw new Error("a recurrent layer without an input");
  const { mask, training, initialState } = kwargs ?? {};
  const x = inTime(given, layer.goBackwards);
  const states = Array.isArray(initialState) ? initialState.filter(isTensor) : initialStates(layer, makeStates, given);
  const call: CellCall = { cell: layer.cell, layer: layer.name, training: training ?? null };
  return withMasks(layer.cell, undefined, () => {
    const { sequence, last } = runSequence(recording, call, {
      x,
      states,
      mask: isTensor(mask) ? maskInTime(mask, given.rank, layer.goBackwards) : undefined,
      returnSequences: layer.returnSequences,
    });
    const [only] = last;
    if (only === undefined) throw new Error("a cell without a state");
    const output = sequence === undefined ? only : tf.transpose(sequence, exchanged(sequence.rank));
    return layer.returnState ? [output, ...last] : output;
  });
}

/** [rows, steps, ...] to [steps, rows, ...], and to [rows, steps, ...]. */
function exchanged(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => (axis < 2 ? 1 - axis : axis));
}

function inTime(x: Tf.Tensor, isBackwards: boolean): Tf.Tensor {
  const tf = loadCore();
  const turned = tf.transpose(x, exchanged(x.rank));
  return isBackwards ? tf.reverse(turned, 0) : turned;
}

/** 1 where a step counts and 0 where it does not, as [steps, rows, 1]. */
function maskInTime(mask: Tf.Tensor, rank: number, isBackwards: boolean): Tf.Tensor {
  const tf = loadCore();
  const numbers = tf.cast(tf.cast(mask, "bool"), "float32");
  return inTime(numbers.rank === rank - 1 ? tf.expandDims(numbers, -1) : numbers, isBackwards);
}

/** tfjs' own way of making zeros takes a pass over all that the layer is fed. Layers that have another one are asked. */
function initialStates(layer: RNN, makeStates: unknown, x: Tf.Tensor): Tf.Tensor[] {
  if (Reflect.get(layer, "getInitialState") !== makeStates) return layer.getInitialState(x);
  const [rows = 0] = x.shape;
  return stateSizes(layer.cell).map((size) => loadCore().zeros([rows, size]));
}
