import { mul } from "../ir/ops/elementwise.js";
import { gemm } from "../ir/ops/matmul.js";
import { concat, slice } from "../ir/ops/shape.js";
import type { GraphBuilder } from "../ir/builder.js";
import { elementsOf, isConstant, isSameShape, producerOf, splatOf, type Node, type Value } from "../ir/types.js";
import { sizeOf } from "@stampede/core";
import { Factors, type Scaled } from "./factors.js";
import type { ForwardPass } from "./forward.js";
import { OpenScan } from "./open-scan.js";

/** Made again in the reverse step rather than kept for every step: these only move elements, to more places than they were in. */
const movers: ReadonlySet<string> = new Set(["Reshape", "Expand", "Gather", "Tile"]);

/**
 * The reverse Scan of a layer. It takes what tfjs' gradient of one step does apart: what is known before any gradient is goes to the
 * forward Scan, whose outputs are inputs here, and only what depends on the gradients of the next step is left.
 */
export class ReverseStep {
  readonly scan: OpenScan;
  readonly #forward: ForwardPass;
  readonly #g: GraphBuilder;
  readonly #changing: ReadonlySet<Value>;
  readonly #factors: Factors;
  readonly #scaled = new Map<Value, Scaled>();
  readonly #used = new Map<Value, Value>();

  /** @param gradients the stand-ins for the gradients of a step's results, on which all that is `changing` depends */
  constructor(forward: ForwardPass, gradients: readonly Value[]) {
    this.#forward = forward;
    this.#g = forward.g.inner();
    this.scan = new OpenScan(this.#g, () => this.#g.nodes, forward.steps, true);
    this.#changing = changedBy(gradients, forward.step.nodes);
    this.#factors = new Factors(forward.step);
    for (const gradient of gradients) this.#scaled.set(gradient, { base: gradient, factor: undefined });
  }

  get g(): GraphBuilder {
    return this.#g;
  }

  isSteady(value: Value): boolean {
    return !this.#changing.has(value) && this.#forward.isSteady(value);
  }

  /** [steps, ...]: a value of the step, as tfjs computed it, in all steps. */
  sequence(value: Value): Value {
    return this.#changing.has(value) ? this.scan.output(this.value(value)) : this.#forward.sequence(value);
  }

  /** The value in the reverse step. */
  value(value: Value): Value {
    if (!this.#changing.has(value)) return this.#use(value);
    return this.#whole(this.#scaledValue(value));
  }

  #whole({ base, factor }: Scaled): Value {
    return factor === undefined ? base : mul(this.#g, base, this.#use(factor));
  }

  /** What the forward step has made. */
  #use(value: Value): Value {
    if (this.#forward.isSteady(value)) return value;
    const known = this.#used.get(value);
    if (known !== undefined) return known;
    const made = this.#moved(value) ?? this.#fromForward(value);
    this.#used.set(value, made);
    return made;
  }

  #fromForward(value: Value): Value {
    const inside = this.#forward.standIn(value.shape, value.dtype);
    this.scan.addInput(inside, this.#forward.sequence(value));
    this.#factors.standsFor(inside, value);
    return inside;
  }

  #moved(value: Value): Value | undefined {
    const node = producerOf(value);
    const [x] = node?.inputs ?? [];
    if (node === undefined || x === undefined || !movers.has(node.op) || this.#forward.isSteady(x)) return undefined;
    if (node.op !== "Reshape" && sizeOf(x.shape) >= sizeOf(value.shape)) return undefined;
    return this.#emit(node)[0];
  }

  #emit(node: Node): readonly Value[] {
    const { op, domain, inputs, outputs, attributes, body, origin } = node;
    if (body !== undefined) throw new Error("a recurrent layer in a cell of another one");
    this.#g.origin = origin;
    const made = inputs.map((value) => value && this.value(value));
    return this.#g.emit(op, made, outputs, { attributes, domain });
  }

  #scaledValue(value: Value): Scaled {
    const known = this.#scaled.get(value);
    if (known !== undefined) return known;
    const node = producerOf(value);
    if (node === undefined) throw new Error("a gradient that nothing makes");
    const scaled = this.#simplified(node, value);
    if (scaled !== undefined) {
      this.#scaled.set(value, scaled);
      return scaled;
    }
    for (const [index, base] of this.#emit(node).entries()) {
      const output = node.outputs[index];
      if (output !== undefined) this.#scaled.set(output, { base, factor: undefined });
    }
    return this.#scaledValue(value);
  }

  #simplified(node: Node, value: Value): Scaled | undefined {
    switch (node.op) {
      case "Mul":
        return this.#ofProduct(node, value);
      case "Neg":
        return this.#ofOne(node, value, (factor) => this.#factors.negative(factor));
      case "Where":
        return this.#ofChoice(node, value);
      case "Add":
      case "Sub":
        return this.#ofSum(node, value);
      case "Concat":
        return this.#ofConcat(node);
      case "Split":
      case "Slice": {
        const part = partOfProduct(value);
        if (part === undefined || !this.isSteady(part.matrix) || !this.#changing.has(part.rows)) return undefined;
        const base = gemm(this.#g, this.value(part.rows), columnsOf(this.#forward.g, part), part);
        return { base, factor: undefined };
      }
      default:
        return undefined;
    }
  }

  #ofOne({ inputs: [x] }: Node, { shape }: Value, change: (factor: Value | undefined) => Value): Scaled | undefined {
    if (x === undefined || !this.#changing.has(x) || !isSameShape(x.shape, shape)) return undefined;
    const { base, factor } = this.#scaledValue(x);
    return { base, factor: change(factor) };
  }

  #ofProduct(node: Node, value: Value): Scaled | undefined {
    const [a, b] = node.inputs;
    if (a === undefined || b === undefined || this.#changing.has(a) === this.#changing.has(b)) return undefined;
    const [x, known] = this.#changing.has(a) ? [a, b] : [b, a];
    return this.#ofOne({ ...node, inputs: [x] }, value, (factor) => this.#factors.times(factor, known));
  }

  /** Gradients of maxima and of clipping: something or 0. */
  #ofChoice(node: Node, value: Value): Scaled | undefined {
    const [condition, yes, no] = node.inputs;
    if (condition === undefined || yes === undefined || no === undefined || this.#changing.has(condition)) {
      return undefined;
    }
    const isWhereTrue = splatOf(no) === 0;
    if (!isWhereTrue && splatOf(yes) !== 0) return undefined;
    const x = isWhereTrue ? yes : no;
    // As a factor 0 would make NaN of a gradient that is infinite where it is not wanted.
    if (!this.#changing.has(x) || !this.#factors.isFinite(this.#scaledValue(x).base)) return undefined;
    return this.#ofOne({ ...node, inputs: [x] }, value, (factor) =>
      this.#factors.chosen(factor, condition, isWhereTrue),
    );
  }

  #ofSum({ op, inputs: [a, b] }: Node, { shape }: Value): Scaled | undefined {
    if (a === undefined || b === undefined || !this.#changing.has(a) || !this.#changing.has(b)) return undefined;
    if (!isSameShape(a.shape, shape) || !isSameShape(b.shape, shape)) return undefined;
    const [left, right] = [this.#scaledValue(a), this.#scaledValue(b)];
    if (left.base !== right.base) return undefined;
    const other = op === "Sub" ? this.#factors.negative(right.factor) : right.factor;
    return { base: left.base, factor: this.#factors.sum(left.factor, other) };
  }

  /** One product for all gates in place of one for each. */
  #ofConcat({ inputs, attributes }: Node): Scaled | undefined {
    const { axis } = attributes;
    const parts = inputs.flatMap((value) => (value !== undefined && this.#changing.has(value) ? [value] : []));
    if (typeof axis !== "number" || parts.length !== inputs.length) return undefined;
    const scaled = parts.map((value) => this.#scaledValue(value));
    if (scaled.filter(({ factor }) => factor !== undefined).length < 2) return undefined;
    const factors = scaled.map(({ base, factor }) => this.#factors.stretched(factor, base.shape));
    const base = concat(
      this.#g,
      scaled.map((each) => each.base),
      axis,
    );
    return { base, factor: concat(this.#forward.step, factors, axis) };
  }
}

/** All that is made of some values. */
function changedBy(values: readonly Value[], nodes: readonly Node[]): ReadonlySet<Value> {
  const changed = new Set(values);
  for (const { inputs, outputs } of nodes) {
    if (inputs.some((value) => value !== undefined && changed.has(value))) {
      for (const value of outputs) changed.add(value);
    }
  }
  return changed;
}

/** Some columns of the product of `rows` and a matrix. */
export interface PartOfProduct {
  readonly rows: Value;
  readonly matrix: Value;
  readonly transB: boolean;
  readonly start: number;
  readonly end: number;
}

/**
 * What a value is that is cut from a plain product: tfjs' gradient of a concatenation. Weights that were turned round for the forward step
 * are taken as they are, which is turned round for this one: onnxruntime multiplies a few rows with a transposed matrix up to 8 % faster.
 */
export function partOfProduct(value: Value): PartOfProduct | undefined {
  const cut = producerOf(value, "Split", "Slice");
  const product = producerOf(cut?.inputs[0], "Gemm");
  const range = cut && columnRange(cut, value);
  const [rows, matrix, more] = product?.inputs ?? [];
  if (range === undefined || rows === undefined || matrix === undefined || more !== undefined) return undefined;
  if (product?.attributes["transA"] === 1) return undefined;
  if (product?.attributes["transB"] === 1) return { rows, matrix, transB: true, ...range };
  const weights = producerOf(matrix, "Transpose")?.inputs[0];
  return { rows, matrix: weights ?? matrix, transB: weights !== undefined, ...range };
}

function columnRange(cut: Node, value: Value): { readonly start: number; readonly end: number } | undefined {
  const width = value.shape[1] ?? 0;
  if (cut.op === "Split") {
    if (cut.attributes["axis"] !== 1) return undefined;
    const before = cut.outputs.slice(0, cut.outputs.indexOf(value));
    const start = before.reduce((sum, { shape }) => sum + (shape[1] ?? 0), 0);
    return { start, end: start + width };
  }
  const [, starts, , axes, steps] = cut.inputs;
  if (!isConstant(starts) || !isConstant(axes) || splatOf(steps) !== 1) return undefined;
  const [axis, ...others] = elementsOf(axes);
  const [start = 0] = elementsOf(starts);
  return axis === 1 && others.length === 0 ? { start, end: start + width } : undefined;
}

export function columnsOf(g: GraphBuilder, { matrix, transB, start, end }: PartOfProduct): Value {
  return slice(g, matrix, [{ axis: transB ? 0 : 1, start, end }]);
}
