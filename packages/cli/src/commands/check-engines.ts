import { EngineName, type ModelDefinition } from "@stampede/core";
import { chooseEngine } from "@stampede/runtime";
import type { Check } from "./doctor.js";

/** Each engine is tried out on a model of one weight: loaded is not yet able to compute. */
export async function checkEngines(): Promise<Check> {
  const check = "engine";
  try {
    const [chosen, ...states] = await Promise.all([chooseEngine(tiny), ...EngineName.options.map(stateOf)]);
    return { check, ok: true, found: `${chosen} would be chosen (${states.join(", ")})` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { check, ok: false, found, remedy: "run `npm ci` again" };
  }
}

async function stateOf(engine: EngineName): Promise<string> {
  const works = await chooseEngine(tiny, engine).then(
    () => true,
    () => false,
  );
  return `${engine}: ${works ? "works" : "not available"}`;
}

const tiny: ModelDefinition = {
  format: "tfjs-layers",
  topology: {
    class_name: "Sequential",
    config: {
      name: "doctor",
      layers: [
        { class_name: "Dense", config: { name: "dense", units: 1, batch_input_shape: [null, 1], dtype: "float32" } },
      ],
    },
  },
  training: { optimizer_config: { class_name: "SGD", config: { learningRate: 0.01 } }, loss: "meanSquaredError" },
  inputs: [{ name: "dense_input", shape: [1] }],
  outputs: [{ name: "dense", shape: [1] }],
};
