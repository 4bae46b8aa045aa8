import { hookMethod } from "./hook.js";
import type { layers as Layers, LayersModel } from "@tensorflow/tfjs-layers";

type Layer = Layers.Layer;

/** Runs `work` with `onStack` naming the layer whose code runs, for messages. Layers are as before when it returns. */
export function withLayerNames<T>(model: LayersModel, onStack: string[], work: () => T): T {
  const restore = model.layers.flatMap((layer) => watch(layer, onStack));
  try {
    return work();
  } finally {
    for (const undo of restore) undo();
  }
}

function watch(layer: Layer, stack: string[]): (() => void)[] {
  const inner: unknown = Reflect.get(layer, "layers");
  if (Array.isArray(inner)) return inner.filter(isLayer).flatMap((each) => watch(each, stack));
  const call = layer.call.bind(layer);
  const undo = hookMethod(layer, "call", (inputs, kwargs) => {
    stack.push(layer.name);
    const result = call(inputs, kwargs);
    // Not in `finally`: when a layer throws, its name is what the message needs.
    stack.pop();
    return result;
  });
  return [undo];
}

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null && "call" in value && "name" in value;
}
