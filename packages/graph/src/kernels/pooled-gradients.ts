import type { GraphBuilder } from "../ir/builder.js";
import { mul } from "../ir/ops/elementwise.js";
import { argumentOfHeaviside, heaviside } from "../ir/ops/heaviside.js";
import { reduce } from "../ir/ops/reduce.js";
import { producerOf, type Value } from "../ir/types.js";

/** What is known of the gradient of a maximum pooling over a relu. */
interface Known {
  /** The relu's result: where it is not positive the gradient is zero. */
  readonly relu: Value;
  /** The gradient before it was spread over windows: the same numbers without most of the zeros. */
  readonly pooled: Value;
}
const known = new WeakMap<Value, Known>();

/**
 * Masks the gradient of a pooling over a relu while it is small. A window's maximum is positive just where the relu lets its gradient
 * pass, and only the maximum's place gets any; so the relu has nothing left to do on the large tensor.
 *
 * @param x what was pooled, `y` the maxima
 * @param spread the pooling's gradient for a dy
 */
export function pooledReluGradient(
  g: GraphBuilder,
  { dy, x, y }: { readonly dy: Value; readonly x: Value; readonly y: Value },
  spread: (dy: Value) => Value,
): Value {
  if (producerOf(x, "Relu") === undefined) return spread(dy);
  const pooled = mul(g, dy, heaviside(g, y));
  const gradient = spread(pooled);
  known.set(gradient, { relu: x, pooled });
  return gradient;
}

/** a * b where one of them is such a gradient and the other one the mask of the same relu: the gradient itself. */
export function maskedAlready(a: Value, b: Value): Value | undefined {
  for (const [gradient, mask] of [
    [a, b],
    [b, a],
  ] as const) {
    const relu = known.get(gradient)?.relu;
    if (relu !== undefined && isMaskOf(mask, relu)) return gradient;
  }
  return undefined;
}

function isMaskOf(mask: Value, relu: Value): boolean {
  const x = argumentOfHeaviside(mask);
  return x !== undefined && (x === relu || x === producerOf(relu, "Relu")?.inputs[0]);
}

/** The sum of such a gradient over all but its channels, from fewer numbers; undefined for other values. */
export function sumOfPooled(g: GraphBuilder, x: Value, axes: readonly number[], keepDims: boolean): Value | undefined {
  const pooled = known.get(x)?.pooled;
  const isOverWindows = axes.length === x.shape.length - 1 && axes.every((axis) => axis < x.shape.length - 1);
  return pooled === undefined || !isOverWindows ? undefined : reduce(g, "ReduceSum", pooled, axes, keepDims);
}
