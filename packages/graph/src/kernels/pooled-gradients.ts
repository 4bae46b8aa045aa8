import type { GraphBuilder } from "../ir/builder.js";
import { mul } from "../ir/ops/elementwise.js";
import { argumentOfHeaviside, heaviside } from "../ir/ops/heaviside.js";
import { reduce } from "../ir/ops/reduce.js";
import { producerOf, type Value } from "../ir/types.js";

/** The gradient of a maximum pooling over a relu, and how to have it masked by that relu. */
interface PooledRelu {
  readonly relu: Value;
  readonly masked: () => Value;
}
const gradients = new WeakMap<Value, PooledRelu>();
/** Of masked gradients: the same numbers without most of the zeros. */
const unspread = new WeakMap<Value, Value>();

/**
 * Remembers that a gradient came out of a pooling over a relu. The relu's mask can then be applied before the gradient is spread over
 * windows, while it is small: a window's maximum is positive just where the relu lets its gradient pass, and only the maximum's place
 * gets any.
 *
 * @param x what was pooled, `y` the maxima
 * @param spread the pooling's gradient for a dy and for what was pooled; where a relu decides, that may be what the relu was taken of
 * @returns the gradient without the relu's mask, which is not computed if nobody but the relu uses it
 */
export function pooledReluGradient(
  g: GraphBuilder,
  { dy, x, y }: { readonly dy: Value; readonly x: Value; readonly y: Value },
  spread: (dy: Value, x: Value) => Value,
): Value {
  const gradient = spread(dy, x);
  const before = beforeRelu(x);
  if (before === undefined) return gradient;
  const masked = (): Value => {
    const small = mul(g, dy, heaviside(g, y));
    const large = spread(small, before);
    unspread.set(large, small);
    return large;
  };
  gradients.set(gradient, { relu: x, masked });
  return gradient;
}

/** What a value is the relu of. */
export function beforeRelu(value: Value): Value | undefined {
  return producerOf(value, "Relu")?.inputs[0];
}

/** a * b where one of them is such a gradient and the other one the mask of the same relu. */
export function maskedWhileSmall(a: Value, b: Value): Value | undefined {
  for (const [gradient, mask] of [
    [a, b],
    [b, a],
  ] as const) {
    const known = gradients.get(gradient);
    if (known !== undefined && isMaskOf(mask, known.relu)) return known.masked();
  }
  return undefined;
}

function isMaskOf(mask: Value, relu: Value): boolean {
  const x = argumentOfHeaviside(mask);
  return x !== undefined && (x === relu || x === beforeRelu(relu));
}

/** The sum of a masked gradient over all but its channels, from fewer numbers; undefined for other values. */
export function sumOfPooled(g: GraphBuilder, x: Value, axes: readonly number[], keepDims: boolean): Value | undefined {
  const pooled = unspread.get(x);
  const isOverWindows = axes.length === x.shape.length - 1 && axes.every((axis) => axis < x.shape.length - 1);
  return pooled === undefined || !isOverWindows ? undefined : reduce(g, "ReduceSum", pooled, axes, keepDims);
}
