import { defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { compiled, thrownBy, useCpu } from "./models.js";

useCpu();

/** What tfjs registers itself; nothing in this file registers more. */
const registered = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
const optimizers = ["Adadelta", "Adagrad", "Adam", "Adamax", "Momentum", "RMSProp", "SGD"];
const isActivation = (name: string): boolean => /^[a-z]/.test(name);

/** A model that claims to have a layer of the class, or one with the activation. */
function claim(change: (config: Record<string, unknown>, layer: Record<string, unknown>) => void): unknown {
  const model = compiled([tfl.layers.dense({ units: 1, inputShape: [1], name: "d" })]);
  const topology = model.toJSON(null, false) as { config: { layers: { config: Record<string, unknown> }[] } };
  const [layer] = topology.config.layers;
  if (layer !== undefined) change(layer.config, layer);
  Reflect.set(model, "toJSON", () => topology);
  return thrownBy(() => defineModel(model).definition.format);
}

it.each(registered.filter((name) => !optimizers.includes(name) && !isActivation(name)))(
  "lets pass tfjs' own class %s",
  (name) => {
    expect(claim((_config, layer) => Object.assign(layer, { class_name: name }))).toBe("tfjs-layers");
  },
);

it.each(registered.filter(isActivation))("lets pass tfjs' own activation %s", (name) => {
  expect(claim((config) => Object.assign(config, { activation: name }))).toBe("tfjs-layers");
});

it("refuses an activation and an initializer of one's own", () => {
  expect(claim((config) => Object.assign(config, { activation: "mine" }))).toMatchObject({ code: "model.unsupported" });
  const initializer = { class_name: "Mine", config: {} };
  const error = claim((config) => Object.assign(config, { kernel_initializer: initializer }));
  expect(error).toMatchObject({ code: "model.unsupported", details: { class: "Mine" } });
});
