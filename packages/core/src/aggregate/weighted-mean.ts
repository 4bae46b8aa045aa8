import { StampedeError } from "../errors.js";
import type { DType, NamedTensors, NumericArray, Tensor } from "../tensors.js";
import { accumulatorFor, copyOf, type Accumulator } from "./accumulators.js";

/** What several contributions come to, to be added to others. */
export interface PartialMean {
  /** Sums of float32 tensors in float64, means of float64 tensors, others as they are. */
  readonly tensors: NamedTensors;
  /** The weights of all contributions: 0 of none, and then the numbers mean nothing. */
  readonly weight: number;
}

/**
 * The mean of tensors, weighted by samples: sum of weight * value over the sum of weights, in float64 and in the order of the calls.
 * Callers add in partition order, so that the result does not depend on who came first.
 *
 * Weights are averaged as they are, not as differences: one contributor, or several that agree, give exactly their values, which
 * differences rounded to float32 would not. Integer tensors are those of the first contributor with a weight above 0.
 */
export class WeightedMean {
  readonly #template: NamedTensors;
  readonly #accumulators: ReadonlyMap<string, Accumulator>;
  #totalWeight = 0;

  /** @param template names, dtypes and shapes that every contribution must have, and the result when there is no weight at all */
  constructor(template: NamedTensors) {
    this.#template = template;
    this.#accumulators = new Map([...template].map(([name, tensor]) => [name, accumulatorFor(tensor)]));
  }

  /**
   * A contribution that is refused leaves the mean as it was. One of weight 0 contributes nothing, whatever its values.
   * @param weight samples: 0 or more; what is said above of equal values holds for whole numbers
   * @param origin the contribution's object key, for messages
   * @throws StampedeError `training.incompatible-delta`, `training.non-finite`, each naming the tensor and the origin
   * @throws RangeError for any other weight
   */
  add(tensors: NamedTensors, weight: number, origin: string): void {
    if (!Number.isFinite(weight) || weight < 0 || weight > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(`Expected the weight of ${origin} to be a number of samples, found ${weight}.`);
    }
    const matched = this.#match(tensors, origin);
    if (weight === 0) return;
    for (const { name, tensor } of matched) refuseNonFinite(name, tensor, origin);
    this.#totalWeight += weight;
    for (const { accumulator, tensor } of matched) accumulator.add(tensor.data, weight, this.#totalWeight);
  }

  /**
   * Adds what another one has come to, as one contribution: of two orders in which the same is added each has its own bits.
   * @param origin for messages, as in `add`
   * @throws StampedeError `training.incompatible-delta`
   */
  addPartial({ tensors, weight }: PartialMean, origin: string): void {
    const matched = this.#match(tensors, origin, "partial");
    if (weight === 0) return;
    this.#totalWeight += weight;
    for (const { accumulator, tensor } of matched) accumulator.addPartial(tensor.data, weight, this.#totalWeight);
  }

  /** What it has come to; views of its own numbers, which change with what is added later. */
  partial(): PartialMean {
    const tensors = new Map([...this.#accumulators].map(([name, sum]) => [name, sum.partial()]));
    return { tensors, weight: this.#totalWeight };
  }

  /** New tensors in the order of the template; copies of the template when the total weight is 0. */
  result(): NamedTensors {
    if (this.#totalWeight === 0) return new Map([...this.#template].map(([name, tensor]) => [name, copyOf(tensor)]));
    return new Map([...this.#accumulators].map(([name, sum]) => [name, sum.result(this.#totalWeight)]));
  }

  #match(tensors: NamedTensors, origin: string, what: "contribution" | "partial" = "contribution"): readonly Match[] {
    for (const name of tensors.keys()) {
      if (!this.#template.has(name)) throw incompatible(origin, `no tensor ${JSON.stringify(name)}`, "one", name);
    }
    return [...this.#accumulators].map(([name, accumulator]) => {
      const tensor = tensors.get(name);
      const own = this.#template.get(name);
      const expected = own && { ...likenessOf(own), ...(what === "partial" && { dtype: accumulator.partialDtype }) };
      if (tensor === undefined) throw incompatible(origin, `tensor ${JSON.stringify(name)}`, "none", name);
      if (expected !== undefined && !isAlike(likenessOf(tensor), expected)) {
        throw incompatible(origin, `tensor ${JSON.stringify(name)} to be ${typeOf(expected)}`, typeOf(tensor), name);
      }
      return { name, tensor, accumulator };
    });
  }
}

interface Match {
  readonly name: string;
  readonly tensor: Tensor;
  readonly accumulator: Accumulator;
}

interface Likeness {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly length: number;
}

function likenessOf({ dtype, shape, data }: Tensor): Likeness {
  return { dtype, shape, length: data.length };
}

function isAlike(a: Likeness, b: Likeness): boolean {
  return (
    a.dtype === b.dtype &&
    a.length === b.length &&
    a.shape.length === b.shape.length &&
    a.shape.every((extent, axis) => extent === b.shape[axis])
  );
}

function typeOf({ dtype, shape }: Pick<Tensor, "dtype" | "shape">): string {
  return `${dtype} of shape [${shape.join(", ")}]`;
}

function incompatible(origin: string, expected: string, found: string, tensor: string): StampedeError {
  const message = `Expected ${expected} in ${origin}, found ${found}. The contribution was not used.`;
  return new StampedeError("training.incompatible-delta", message, { details: { origin, tensor } });
}

function refuseNonFinite(name: string, { dtype, data }: Tensor, origin: string): void {
  if ((dtype !== "float32" && dtype !== "float64") || Number.isFinite(sumOf(data))) return;
  const index = data.findIndex((value) => !Number.isFinite(value));
  // Finite float64 values may have an infinite sum; float32 values cannot.
  if (index === -1) return;
  const message = `Expected finite numbers in tensor ${JSON.stringify(name)} of ${origin}, found ${data[index]} at index ${index}. The contribution was not used.`;
  throw new StampedeError("training.non-finite", message, { details: { origin, tensor: name, index } });
}

/** One NaN or infinity makes the sum one too. Four sums, because each addition waits for the one before it. */
function sumOf(data: NumericArray): number {
  const whole = data.length - (data.length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += data[i] ?? 0;
    b += data[i + 1] ?? 0;
    c += data[i + 2] ?? 0;
    d += data[i + 3] ?? 0;
  }
  for (let i = whole; i < data.length; i += 1) a += data[i] ?? 0;
  return a + b + c + d;
}
