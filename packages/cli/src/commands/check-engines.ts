import { EngineName, type ModelDefinition } from "@stampede/core";
import { chooseEngine } from "@stampede/runtime";
import type { Check } from "./doctor.js";

/** Each engine is tried out on a model of one weight: loaded is not yet able to compute. */
export async function checkEngines(): Promise<Check> {
  const check = "engine";
  const remedy = "run `npm ci` again";
  // In the order in which a job would take them.
  const states = await Promise.all(
    EngineName.options.map(async (engine) => ({ engine, trouble: await troubleOf(engine) })),
  );
  const found = states.map(({ engine, trouble }) => `${engine}: ${trouble === undefined ? "works" : "not available"}`);
  const chosen = states.find(({ trouble }) => trouble === undefined);
  if (chosen !== undefined) {
    return { check, ok: true, found: `${chosen.engine} would be chosen (${found.join(", ")})` };
  }
  return { check, ok: false, found: states.map(({ trouble }) => trouble).join(" "), remedy };
}

/** Why an engine cannot compute here; undefined when it can. */
async function troubleOf(engine: EngineName): Promise<string | undefined> {
  return chooseEngine(tiny, engine).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
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
