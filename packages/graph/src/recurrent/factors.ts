import type { GraphBuilder } from "../ir/builder.js";
import { add, cast, mul, not, sub, unary, where } from "../ir/ops/elementwise.js";
import { expand } from "../ir/ops/shape.js";
import { elementsOf, isConstant, producerOf, splatOf, type Shape, type Value } from "../ir/types.js";

/**
 * A gradient as base * factor, where the factor is known before the gradient is: it is made of the forward pass. Chains of products become
 * one, and what is left for the reverse Scan is little.
 */
export interface Scaled {
  readonly base: Value;
  /** Broadcasts to the base; undefined for 1. */
  readonly factor: Value | undefined;
}

/** Products of factors, made by the builder of the forward step. */
export class Factors {
  readonly #g: GraphBuilder;
  readonly #finite = new Map<Value, boolean>();

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  times(factor: Value | undefined, other: Value): Value {
    if (factor === undefined) return other;
    return this.#derivative(factor, other) ?? mul(this.#g, factor, other);
  }

  negative(factor: Value | undefined): Value {
    return factor === undefined ? this.#g.scalar(-1) : unary(this.#g, "Neg", factor);
  }

  sum(a: Value | undefined, b: Value | undefined): Value {
    const g = this.#g;
    const one = g.scalar(1);
    const negated = (value: Value | undefined): Value | undefined => producerOf(value, "Neg")?.inputs[0];
    const [left, right] = [negated(a), negated(b)];
    if (right !== undefined) return sub(g, a ?? one, right);
    if (left !== undefined) return sub(g, b ?? one, left);
    return add(g, a ?? one, b ?? one);
  }

  /** The factor where a condition holds (or does not), else 0: its product with 1 and 0 takes half the time of onnxruntime's choice. */
  chosen(factor: Value | undefined, condition: Value, isWhereTrue: boolean): Value {
    const g = this.#g;
    if (factor === undefined || this.isFinite(factor)) {
      const mask = cast(g, isWhereTrue ? condition : not(g, condition), "float32");
      return factor === undefined ? mask : mul(g, factor, mask);
    }
    const zero = g.scalar(0);
    return isWhereTrue ? where(g, condition, factor, zero) : where(g, condition, zero, factor);
  }

  /** From here on `standIn` counts as what it stands for. */
  standsFor(standIn: Value, value: Value): void {
    this.#finite.set(standIn, this.isFinite(value));
  }

  /** Whether 0 times a value is 0. */
  isFinite(value: Value): boolean {
    const known = this.#finite.get(value);
    if (known !== undefined) return known;
    const node = producerOf(value);
    const inputs = node?.inputs ?? [];
    const found = isConstant(value)
      ? elementsOf(value).every(Number.isFinite)
      : node === undefined ||
        bounded.has(node.op) ||
        (finite.has(node.op) && inputs.every((input) => input === undefined || this.isFinite(input)));
    this.#finite.set(value, found);
    return found;
  }

  stretched(factor: Value | undefined, shape: Shape): Value {
    const number = factor === undefined ? 1 : splatOf(factor);
    if (number !== undefined) return this.#g.splat(number, "float32", shape);
    return factor === undefined ? this.#g.splat(1, "float32", shape) : expand(this.#g, factor, shape);
  }

  /**
   * p * y * (1 - y) and p * (1 - y * y), the derivatives of sigmoid and tanh times something: where the forward pass has q = p * y, they
   * are q - q * y and p - q * y.
   */
  #derivative(p: Value, derivative: Value): Value | undefined {
    const g = this.#g;
    const [y, rest] = producerOf(derivative, "Mul")?.inputs ?? [];
    if (y !== undefined && isComplement(rest, (taken) => taken === y)) {
      const q = this.#product(p, y);
      return q && sub(g, q, mul(g, q, y));
    }
    const square = producerOf(complementOf(derivative), "Mul")?.inputs ?? [];
    const [root] = square;
    if (root === undefined || square[1] !== root) return undefined;
    const q = this.#product(p, root);
    return q && sub(g, p, mul(g, q, root));
  }

  #product(a: Value, b: Value): Value | undefined {
    const found = this.#g.nodes.find(({ op, inputs: [x, y] }) => {
      return op === "Mul" && ((x === a && y === b) || (x === b && y === a));
    });
    return found?.outputs[0];
  }
}

/** Operations whose results are never infinite. */
const bounded: ReadonlySet<string> = new Set(["Tanh", "Sigmoid", "HardSigmoid"]);
/** Operations whose results are finite where their inputs are, until the numbers of a training overflow. */
const finite: ReadonlySet<string> = new Set(
  "Add Sub Mul Neg Clip Relu Cast Gemm Concat Split Slice Reshape Expand Transpose".split(" "),
);

function isComplement(value: Value | undefined, of: (taken: Value) => boolean): boolean {
  const taken = complementOf(value);
  return taken !== undefined && of(taken);
}

/** The x of 1 - x. */
function complementOf(value: Value | undefined): Value | undefined {
  const [one, taken] = producerOf(value, "Sub")?.inputs ?? [];
  return isConstant(one) && splatOf(one) === 1 ? taken : undefined;
}
