import { createEngine } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll } from "vitest";

type Layers = NonNullable<tfl.SequentialArgs["layers"]>;
type Compile = Partial<tfl.ModelCompileArgs>;

/** Tests that build tfjs models need a backend; the engine's is quiet. */
export function useCpu(): void {
  beforeAll(async () => {
    await createEngine("tfjs-cpu");
  });
}

export function compiled(layers: Layers, changes: Compile = {}): tfl.Sequential {
  const model = tfl.sequential({ layers });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError", ...changes });
  return model;
}

export function smallModel(changes: Compile = {}): tfl.Sequential {
  return compiled([tfl.layers.dense({ units: 2, inputShape: [3], name: "only" })], changes);
}

export function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
