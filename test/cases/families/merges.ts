import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, type Case, type Layer } from "../case.js";
import { floats } from "../data.js";

const merges: Readonly<Record<string, () => Layer>> = {
  add: () => layers.add(),
  multiply: () => layers.multiply(),
  average: () => layers.average(),
  maximum: () => layers.maximum(),
  minimum: () => layers.minimum(),
  concatenate: () => layers.concatenate(),
};

/** Three branches of the same width. */
function branches(merge: () => Layer): ReturnType<typeof model> {
  const x = input({ shape: [6] });
  const branch = (): SymbolicTensor => layers.dense({ units: 5, activation: "tanh" }).apply(x) as SymbolicTensor;
  const merged = merge().apply([branch(), branch(), branch()]);
  return model({ inputs: x, outputs: layers.dense({ units: 2 }).apply(merged) as SymbolicTensor });
}

/** Two sequences of vectors from two inputs. */
function pair(merge: () => Layer): ReturnType<typeof model> {
  const [a, b] = [input({ shape: [4, 3] }), input({ shape: [4, 3] })];
  const [left, right] = [a, b].map((x) => layers.dense({ units: 3, activation: "tanh" }).apply(x) as SymbolicTensor);
  const merged = merge().apply([left ?? a, right ?? b]) as SymbolicTensor;
  const flat = merged.shape.length > 2 ? layers.flatten().apply(merged) : merged;
  return model({ inputs: [a, b], outputs: layers.dense({ units: 2 }).apply(flat) as SymbolicTensor });
}

/** Two vectors; their dot product is one number. */
function vectors(normalize: boolean): ReturnType<typeof model> {
  const [a, b] = [input({ shape: [6] }), input({ shape: [4] })];
  const both = [a, b].map((x) => layers.dense({ units: 5, activation: "tanh" }).apply(x) as SymbolicTensor);
  return model({ inputs: [a, b], outputs: layers.dot({ axes: 1, normalize }).apply(both) as SymbolicTensor });
}

const loss = "meanSquaredError";
const twoSequences = [[floats([4, 3]), floats([4, 3])], [floats([2])]] as const;

export const mergeCases: readonly Case[] = [
  ...Object.entries(merges).map(([name, merge]) =>
    functionalCase(`merge ${name}`, () => branches(merge), [[floats([6])], [floats([2])]], { loss }),
  ),
  functionalCase("merge concatenate along steps", () => pair(() => layers.concatenate({ axis: 1 })), twoSequences, {
    loss,
  }),
  functionalCase("merge dot of sequences along steps", () => pair(() => layers.dot({ axes: 1 })), twoSequences, {
    loss,
  }),
  functionalCase(
    "merge dot of sequences along features",
    () => pair(() => layers.dot({ axes: [2, 2] })),
    twoSequences,
    { loss },
  ),
  functionalCase("merge dot of vectors", () => vectors(false), [[floats([6]), floats([4])], [floats([1])]], { loss }),
  functionalCase("merge dot of vectors, normalised", () => vectors(true), [[floats([6]), floats([4])], [floats([1])]], {
    loss,
  }),
];
