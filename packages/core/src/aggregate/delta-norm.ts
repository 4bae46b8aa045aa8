import { tensorOf, type NamedTensors, type NumericArray } from "../tensors.js";

/**
 * The L2 norm of a delta (before - after) over all floating-point tensors together, in float64. NaN or infinite when a value of
 * `after` is; `Number.MAX_VALUE` at most for finite ones.
 * @param before of the same names and shapes
 */
export function deltaNorm(before: NamedTensors, after: NamedTensors): number {
  let squares = 0;
  for (const [name, { dtype, data }] of after) {
    const base = before.get(name)?.data;
    if (base !== undefined && isFloat(dtype)) squares += squaredDistance(base, data);
  }
  if (squares !== Infinity) return Math.sqrt(squares);
  return [...after.values()].every(({ data }) => data.every(Number.isFinite)) ? Number.MAX_VALUE : Infinity;
}

/** The tensors at `factor` of the way from `before` to `after`: a delta that is too long, shortened. Integers stay those of `after`. */
export function shortenDelta(before: NamedTensors, after: NamedTensors, factor: number): NamedTensors {
  return combined(after, (name, value, index) => {
    const base = before.get(name)?.data[index] ?? 0;
    return base - factor * (base - value);
  });
}

/** A delta that was made from `base`, applied to `onto`: what a late executor would have committed had it begun there. */
export function moveDelta(after: NamedTensors, base: NamedTensors, onto: NamedTensors): NamedTensors {
  return combined(after, (name, value, index) => {
    const delta = (base.get(name)?.data[index] ?? 0) - value;
    return (onto.get(name)?.data[index] ?? 0) - delta;
  });
}

function combined(
  tensors: NamedTensors,
  valueOf: (name: string, value: number, index: number) => number,
): NamedTensors {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      if (!isFloat(tensor.dtype)) return [name, tensor];
      const data = tensor.data.slice();
      for (let index = 0; index < data.length; index += 1) data[index] = valueOf(name, data[index] ?? 0, index);
      return [name, tensorOf(data, tensor.shape)];
    }),
  );
}

function isFloat(dtype: string): boolean {
  return dtype === "float32" || dtype === "float64";
}

/** Two sums, because each addition waits for the one before it. */
function squaredDistance(before: NumericArray, after: NumericArray): number {
  const whole = after.length - (after.length % 2);
  let [a, b] = [0, 0];
  for (let i = 0; i < whole; i += 2) {
    const first = (before[i] ?? 0) - (after[i] ?? 0);
    const second = (before[i + 1] ?? 0) - (after[i + 1] ?? 0);
    a += first * first;
    b += second * second;
  }
  if (whole < after.length) a += ((before[whole] ?? 0) - (after[whole] ?? 0)) ** 2;
  return a + b;
}
