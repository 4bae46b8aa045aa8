import { tensorOf, type DType, type NumericArray, type Tensor } from "../tensors.js";

/** The running weighted mean of one tensor. */
export interface Accumulator {
  /** What is stored of it, so that it can be added to another one. */
  readonly partialDtype: DType;
  /** @param totalWeight the weights of all contributions including this one; `weight` is above 0 */
  add(data: NumericArray, weight: number, totalWeight: number): void;
  /** Adds what `partial` of another one gave; the weights are those of all its contributions. */
  addPartial(data: NumericArray, weight: number, totalWeight: number): void;
  partial(): Tensor;
  result(totalWeight: number): Tensor;
}

export function accumulatorFor(template: Tensor): Accumulator {
  if (template.dtype === "float32") return new Float32Mean(template.shape, template.data.length);
  if (template.dtype === "float64") return new Float64Mean(template.shape, template.data.length);
  return new FirstValue(template);
}

/**
 * Sums weight * value in float64 and divides once. The product is exact while the weight is below 2^29 (24 + 29 bits of 53), so the
 * mean of equal values is that value, bit for bit.
 */
class Float32Mean implements Accumulator {
  readonly partialDtype = "float64";
  readonly #shape: readonly number[];
  readonly #sums: Float64Array;

  constructor(shape: readonly number[], length: number) {
    this.#shape = shape;
    // -0 + x is x also for x = -0; beginning with 0 would lose its sign.
    this.#sums = new Float64Array(length).fill(-0);
  }

  add(data: NumericArray, weight: number): void {
    addScaled(this.#sums, data, weight);
  }

  /** What was multiplied already. */
  addPartial(data: NumericArray): void {
    addScaled(this.#sums, data, 1);
  }

  partial(): Tensor {
    return { dtype: "float64", shape: this.#shape, data: this.#sums };
  }

  result(totalWeight: number): Tensor {
    const sums = this.#sums;
    const data = new Float32Array(sums.length);
    for (let i = 0; i < data.length; i += 1) data[i] = (sums[i] ?? 0) / totalWeight;
    return { dtype: "float32", shape: this.#shape, data };
  }
}

/** Four at a time, which halves the loop's own cost. */
function addScaled(sums: Float64Array, data: NumericArray, weight: number): void {
  const whole = sums.length - (sums.length % 4);
  for (let i = 0; i < whole; i += 4) {
    sums[i] = (sums[i] ?? 0) + weight * (data[i] ?? 0);
    sums[i + 1] = (sums[i + 1] ?? 0) + weight * (data[i + 1] ?? 0);
    sums[i + 2] = (sums[i + 2] ?? 0) + weight * (data[i + 2] ?? 0);
    sums[i + 3] = (sums[i + 3] ?? 0) + weight * (data[i + 3] ?? 0);
  }
  for (let i = whole; i < sums.length; i += 1) sums[i] = (sums[i] ?? 0) + weight * (data[i] ?? 0);
}

/** There is no wider type to sum in, so the mean itself moves: equal values stay as they are, and nothing can overflow. */
class Float64Mean implements Accumulator {
  readonly partialDtype = "float64";
  readonly #shape: readonly number[];
  readonly #mean: Float64Array;

  constructor(shape: readonly number[], length: number) {
    this.#shape = shape;
    this.#mean = new Float64Array(length);
  }

  add(data: NumericArray, weight: number, totalWeight: number): void {
    if (weight === totalWeight) {
      this.#mean.set(data);
      return;
    }
    const share = weight / totalWeight;
    const rest = (totalWeight - weight) / totalWeight;
    for (let i = 0; i < data.length; i += 1) {
      const mean = this.#mean[i] ?? 0;
      const value = data[i] ?? 0;
      if (value !== mean) this.#mean[i] = mean * rest + value * share;
    }
  }

  addPartial(data: NumericArray, weight: number, totalWeight: number): void {
    this.add(data, weight, totalWeight);
  }

  partial(): Tensor {
    return { dtype: "float64", shape: this.#shape, data: this.#mean };
  }

  result(): Tensor {
    return { dtype: "float64", shape: this.#shape, data: this.#mean.slice() };
  }
}

/** Counters and the like have no mean: the first contribution's stay. */
class FirstValue implements Accumulator {
  readonly #tensor: Tensor;

  constructor(template: Tensor) {
    this.#tensor = copyOf(template);
  }

  get partialDtype(): DType {
    return this.#tensor.dtype;
  }

  add(data: NumericArray, weight: number, totalWeight: number): void {
    if (weight === totalWeight) this.#tensor.data.set(data);
  }

  addPartial(data: NumericArray, weight: number, totalWeight: number): void {
    this.add(data, weight, totalWeight);
  }

  partial(): Tensor {
    return this.#tensor;
  }

  result(): Tensor {
    return copyOf(this.#tensor);
  }
}

export function copyOf(tensor: Tensor): Tensor {
  return tensorOf(tensor.data.slice(), tensor.shape);
}
