import type { Value } from "../ir/types.js";

/** The gradient of a maximum pooling, and how to have it where what was pooled is positive, and 0 elsewhere. */
interface PooledGradient {
  /** What was pooled, in blocks. */
  readonly of: Value;
  readonly masked: () => Value;
}

const gradients = new WeakMap<Value, PooledGradient>();
const masks = new WeakMap<Value, Value>();
const unspread = new WeakMap<Value, Value>();

/**
 * Remembers that a gradient came out of a maximum pooling. A relu's mask can then be applied before the gradient is spread over windows,
 * while it is small: only the place of a maximum gets any, and it is positive where the maximum is.
 */
export function rememberPooled(gradient: Value, how: PooledGradient): void {
  gradients.set(gradient, how);
}

/** Remembers what a mask is of: 1 where that tensor is positive, else 0. */
export function rememberMask(mask: Value, of: Value): void {
  masks.set(mask, of);
}

/** a * b where one of them is such a gradient and the other one the mask of what was pooled. */
export function maskedBeforeSpread(a: Value, b: Value): Value | undefined {
  for (const [gradient, mask] of [
    [a, b],
    [b, a],
  ] as const) {
    const pooled = gradients.get(gradient);
    if (pooled !== undefined && pooled.of === masks.get(mask)) return pooled.masked();
  }
  return undefined;
}

/** Remembers what was spread over windows: its sum is the same, of fewer numbers. */
export function rememberSpread(large: Value, small: Value): void {
  unspread.set(large, small);
}

/** What was spread to become this value. */
export function beforeSpread(large: Value): Value | undefined {
  return unspread.get(large);
}
