import { tensorOf, type NamedTensors } from "@stampede/core";

const known = new Map<number, NamedTensors>();

/** Weights of many kinds, some of them not aligned, of a third of a megabyte: large enough for parts of them to be read. */
export function bigWeights(seed: number): NamedTensors {
  const made = known.get(seed) ?? makeWeights(seed);
  known.set(seed, made);
  return made;
}

function makeWeights(seed: number): NamedTensors {
  const fill = <T extends Float32Array | Float64Array>(data: T): T => {
    for (let i = 0; i < data.length; i += 1) data[i] = ((i * 7_919 + seed * 104_729) % 10_007) / 10_007 - 0.5;
    return data;
  };
  return new Map([
    ["kernel", tensorOf(fill(new Float32Array(40_000)), [400, 100])],
    ["flags", tensorOf(Uint8Array.of(seed, seed + 1, seed + 2), [3])],
    ["10", tensorOf(fill(new Float32Array(9)), [3, 3])],
    ["nothing", tensorOf(new Float32Array(), [0, 4])],
    ["double", tensorOf(fill(new Float64Array(4_001)), [4_001])],
    ["steps", tensorOf(Int32Array.of(seed), [])],
    ["head", tensorOf(fill(new Float32Array(30_001)), [30_001])],
  ]);
}

/** An optimizer's state that goes with them. */
export function bigState(seed: number): NamedTensors {
  return new Map([...bigWeights(seed + 50)].map(([name, tensor]) => [`m/${name}`, tensor]));
}
