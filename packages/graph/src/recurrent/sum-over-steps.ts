import type { GraphBuilder } from "../ir/builder.js";
import { add, mul } from "../ir/ops/elementwise.js";
import { gemm, matMul } from "../ir/ops/matmul.js";
import { reduce } from "../ir/ops/reduce.js";
import { reshape, transpose } from "../ir/ops/shape.js";
import { elementsOf, isConstant, producerOf, splatOf, type Node, type Value } from "../ir/types.js";
import type { ForwardPass } from "./forward.js";
import type { ReverseStep } from "./reverse-step.js";

/** Products over more rows than this are large enough to be made and added up step by step. */
const maxRows = 1024;

/** Linear in their first input; the others are the same in every step. */
const linear: ReadonlySet<string> = new Set(["Reshape", "Transpose", "Neg", "Slice", "Split", "Expand"]);
/** Linear in all inputs together. */
const sums: ReadonlySet<string> = new Set(["Concat", "Add", "Sub"]);

/** Gradients of weights: the sum of a value over all steps, behind the Scan where that is possible, else as one of its states. */
export class SumOverSteps {
  readonly #forward: ForwardPass;
  readonly #reverse: ReverseStep;
  readonly #known = new Map<Value, Value>();

  constructor(forward: ForwardPass, reverse: ReverseStep) {
    this.#forward = forward;
    this.#reverse = reverse;
  }

  of(value: Value): Value {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const { g, steps } = this.#forward;
    const sum = this.#reverse.isSteady(value) ? mul(g, value, g.scalar(steps)) : this.#ofNode(value);
    this.#known.set(value, sum);
    return sum;
  }

  #ofNode(value: Value): Value {
    const node = producerOf(value);
    if (node === undefined) return this.#addedUp(value);
    const [x, ...others] = node.inputs;
    const areOthersSteady = others.every((each) => each === undefined || this.#reverse.isSteady(each));
    if (node.op === "Gemm") return this.#ofProduct(node) ?? this.#addedUp(value);
    if (node.op === "ReduceSum" && x !== undefined) {
      const sum = this.#ofReduction(node, x);
      return sum === undefined ? this.#addedUp(value) : reshape(this.#forward.g, sum, value.shape);
    }
    if (node.op === "Mul") return this.#ofMultiple(node, value) ?? this.#addedUp(value);
    const isPadding = node.op === "Pad" && splatOf(others[1]) === 0;
    if ((linear.has(node.op) || isPadding) && areOthersSteady && x !== undefined) {
      return this.#again(node, value, [this.of(x), ...others]);
    }
    if (sums.has(node.op)) {
      const inputs = node.inputs.map((each) => each && this.of(each));
      return this.#again(node, value, inputs);
    }
    return this.#addedUp(value);
  }

  /** The same operation on sums. */
  #again({ op, domain, attributes, outputs }: Node, value: Value, inputs: readonly (Value | undefined)[]): Value {
    const made = this.#forward.g.emit(op, inputs, outputs, { attributes, domain })[outputs.indexOf(value)];
    if (made === undefined) throw new Error("a node without a result");
    return made;
  }

  /** The products of all steps, added up, are one product over all rows of all steps. */
  #ofProduct(node: Node): Value | undefined {
    const [a, b, more] = node.inputs;
    const { transA, transB } = node.attributes;
    if (a === undefined || b === undefined || more !== undefined) return undefined;
    const [isLeftSteady, isRightSteady] = [this.#reverse.isSteady(a), this.#reverse.isSteady(b)];
    if (isRightSteady || isLeftSteady) {
      const options = { transA: transA === 1, transB: transB === 1 };
      return gemm(this.#forward.g, isLeftSteady ? a : this.of(a), isRightSteady ? b : this.of(b), options);
    }
    if (transA !== 1 || transB === 1 || (a.shape[0] ?? 0) > maxRows) return undefined;
    const [left, right] = [this.#allRows(a), this.#allRows(b)];
    const { g } = this.#forward;
    // The wider one on the right: 129 columns of 3,200 rows with 256 took 3.6 ms so, and 4.4 the other way round.
    const isWider = (a.shape[1] ?? 0) > (b.shape[1] ?? 0);
    return isWider ? transpose(g, productOfRows(g, right, left), [1, 0]) : productOfRows(g, left, right);
  }

  /** [steps * rows, columns] */
  #allRows(matrix: Value): Value {
    const { g, steps } = this.#forward;
    const [rows = 0, columns = 0] = matrix.shape;
    return reshape(g, this.#reverse.sequence(matrix), [steps * rows, columns]);
  }

  #ofReduction({ inputs: [, axes] }: Node, x: Value): Value | undefined {
    if (!isConstant(axes)) return undefined;
    const reduced = [...elementsOf(axes)].map((axis) => (axis < 0 ? axis + x.shape.length : axis));
    const { g } = this.#forward;
    const all = [0, ...reduced.map((axis) => axis + 1)];
    return reduce(g, "ReduceSum", this.#reverse.sequence(x), all, false);
  }

  #ofMultiple(node: Node, value: Value): Value | undefined {
    const [a, b] = node.inputs;
    if (a === undefined || b === undefined) return undefined;
    if (this.#reverse.isSteady(b)) return this.#again(node, value, [this.of(a), b]);
    return this.#reverse.isSteady(a) ? this.#again(node, value, [a, this.of(b)]) : undefined;
  }

  #addedUp(value: Value): Value {
    const { g } = this.#forward;
    const before = this.#forward.standIn(value.shape);
    const after = add(this.#reverse.g, before, this.#reverse.value(value));
    return this.#reverse.scan.addState(before, g.splat(0, "float32", value.shape), after);
  }
}

/** onnxruntime multiplies with so many columns of the right matrix at a time (MLAS_SGEMM_STRIDEN in mlas/lib/mlasi.h). */
const columnsAtATime = 128;

/**
 * The transposed left matrix times the right one. Within such a product of many rows onnxruntime would turn the left matrix round again for
 * each part of the right one, and more slowly than its own Transpose does: 145 columns of 16,000 rows with 256 take 18.1 ms so and 15.0 like
 * this.
 */
function productOfRows(g: GraphBuilder, left: Value, right: Value): Value {
  if ((right.shape[1] ?? 0) < 2 * columnsAtATime) return gemm(g, left, right, { transA: true });
  return matMul(g, transpose(g, left, [1, 0]), right);
}
