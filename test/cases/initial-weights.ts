import { sizeOf, tensorOf, uniformStream, type NamedTensors, type Tensor } from "@stampede/core";

/** Seeded weights in place of a model's own, so that biases and statistics are not all zero or one. */
export function initialWeights(weights: NamedTensors, key = 1): Map<string, Tensor> {
  const next = uniformStream(key);
  return new Map(
    [...weights].map(([name, { data, shape }]) => {
      if (!(data instanceof Float32Array)) throw new Error(`the weight ${name} is not float32`);
      const [from, to] = rangeOf(name, shape);
      return [
        name,
        tensorOf(
          Float32Array.from(data, () => from + next() * (to - from)),
          shape,
        ),
      ];
    }),
  );
}

function rangeOf(name: string, shape: readonly number[]): readonly [from: number, to: number] {
  if (/(gamma|moving_variance)$/.test(name)) return [0.8, 1.2];
  if (name.endsWith("alpha")) return [0.05, 0.4];
  if (shape.length < 2) return [-0.1, 0.1];
  const outputs = shape.at(-1) ?? 1;
  const limit = Math.sqrt(6 / (sizeOf(shape) / outputs + outputs));
  return [-limit, limit];
}
