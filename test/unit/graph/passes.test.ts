import { sizeOf, uniformStream } from "@stampede/core";
import { prepareTfjs } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
// Registers the gradients.
import "@tensorflow/tfjs-layers";
import { beforeAll, describe, expect, it } from "vitest";
import {
  encodeModel,
  flopsOf,
  fuse,
  type Graph,
  removeDeadCode,
  hoist,
  optimise,
  tensorFor,
  trace,
} from "@stampede/graph/internals";
import { floats, numbersOf, runModel } from "../../support/onnx.js";

beforeAll(prepareTfjs);

type Shapes = Readonly<Record<string, readonly number[]>>;

interface Both {
  readonly plain: Graph;
  readonly optimised: Graph;
  readonly fused: Graph;
}

function compile(shapes: Shapes, run: (...inputs: tf.Tensor[]) => readonly tf.Tensor[]): Both {
  const traced = trace(({ g }) =>
    run(...Object.entries(shapes).map(([name, shape]) => tensorFor(g.input(name, "float32", shape)))),
  );
  const outputs = traced.results.map((value, index) => ({ name: `y${index}`, value }));
  const named = traced.g.finish(outputs);
  const plain = removeDeadCode({ ...named, inputs: named.inputs.filter(({ name }) => name in shapes) });
  const optimised = optimise(plain, traced.g.numbers);
  return { plain, optimised, fused: fuse(optimised, traced.g.numbers) };
}

const ops = ({ nodes }: Graph): string[] => nodes.map(({ op }) => op);
const count = (graph: Graph, op: string): number => ops(graph).filter((each) => each === op).length;

/** Both graphs give the same numbers for random inputs. */
async function expectEqual({ plain, optimised }: Omit<Both, "fused">, shapes: Shapes): Promise<void> {
  const next = uniformStream(5);
  const feeds = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      floats(
        Array.from({ length: sizeOf(shape) }, () => next() * 2 - 1),
        shape,
      ),
    ]),
  );
  const [before, after] = await Promise.all(
    [plain, optimised].map((graph) => runModel(encodeModel(graph, { name: "test" }), feeds)),
  );
  for (const [name, expected] of Object.entries(before ?? {})) {
    const found = numbersOf(after?.[name]);
    for (const [index, value] of numbersOf(expected).entries()) expect(found[index]).toBeCloseTo(value, 5);
  }
}

describe("products", () => {
  const shapes = { x: [4, 3], w: [3, 5], b: [5], m: [3, 5], d: [4, 5] };

  it("takes a bias into the product", async () => {
    const both = compile(shapes, (x, w, b) => [tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b))]);
    expect(ops(both.optimised)).toEqual(["Gemm", "Relu"]);
    await expectEqual(both, shapes);
  });

  it("makes a plain gradient step part of the product", async () => {
    const both = compile(shapes, (x, w, _b, _m, d) => [
      tf.add(tf.mul(tf.scalar(-0.1), tf.matMul(x as tf.Tensor2D, d as tf.Tensor2D, true)), w),
    ]);
    expect(ops(both.optimised)).toEqual(["Mul", "Gemm"]);
    expect(both.optimised.nodes[1]?.inputs).toHaveLength(3);
    await expectEqual(both, shapes);
  });

  it("does not compute a product twice that is needed elsewhere, as Adam does", async () => {
    const both = compile(shapes, (x, w, _b, m, d) => {
      const gradient = tf.matMul(x, d, true);
      const first = tf.add(tf.mul(m, 0.9), tf.mul(gradient, 0.1));
      const second = tf.add(tf.mul(w, 0.99), tf.mul(tf.square(gradient), 0.01));
      return [first, second];
    });
    expect(count(both.optimised, "Gemm")).toBe(1);
    await expectEqual(both, shapes);
  });
});

describe("softmax and crossentropy", () => {
  const shapes = { logits: [6, 4], labels: [6, 4] };
  const loss = (labels: tf.Tensor, logits: tf.Tensor): tf.Scalar => {
    const p = tf.softmax(logits);
    const normalised = tf.clipByValue(tf.div(p, tf.sum(p, 1, true)), 1e-7, 1 - 1e-7);
    return tf.mean(tf.neg(tf.sum(tf.mul(labels, tf.log(normalised)), 1)));
  };

  it("leaves out what tfjs computes only to get 1 or 0, and keeps the gradient", async () => {
    const both = compile(shapes, (logits, labels) => {
      const gradient = tf.grad((each: tf.Tensor) => loss(tf.abs(labels), each));
      return [gradient(logits)];
    });
    expect(ops(both.optimised).length).toBeLessThanOrEqual(13);
    expect(ops(both.plain).length).toBeGreaterThan(20);
    expect(count(both.optimised, "Sub")).toBe(0);
    await expectEqual(both, shapes);
  });

  it("does not take the sum over another axis for 1", async () => {
    const both = compile(shapes, (logits) => [tf.sum(tf.softmax(logits), 0, true)]);
    expect(count(both.optimised, "Softmax")).toBe(1);
    await expectEqual(both, shapes);
  });
});

it("sums the rows of a matrix by a product", async () => {
  const shapes = { x: [8, 5] };
  const both = compile(shapes, (x) => [tf.sum(x, 0), tf.sum(x, 1)]);
  expect(ops(both.optimised).toSorted()).toEqual(["Gemm", "ReduceSum", "Reshape"]);
  await expectEqual(both, shapes);
});

it("removes what nobody uses, and keeps the rest in order", () => {
  const { plain } = compile({ x: [2] }, (x) => {
    tf.exp(x);
    return [tf.neg(tf.abs(x))];
  });
  expect(ops(plain)).toEqual(["Abs", "Neg"]);
});

it("takes out of a loop what is the same in every step", () => {
  const { plain } = compile({ fixed: [2], x: [2] }, (fixed, x) => {
    const outside = tf.exp(tf.neg(fixed));
    return [tf.add(outside, tf.abs(x))];
  });
  const changing = new Set(plain.inputs.filter(({ name }) => name === "x").map(({ value }) => value));
  const { body, before } = hoist(plain, changing);
  expect(before.map(({ op }) => op)).toEqual(["Neg", "Exp"]);
  expect(ops(body)).toEqual(["Abs", "Add"]);
});

describe("normalisation and activations", () => {
  const shapes = { x: [6, 8], gamma: [8], dy: [6, 8] };
  const gradientOf =
    (f: (x: tf.Tensor, gamma: tf.Tensor) => tf.Tensor) => (x: tf.Tensor, gamma: tf.Tensor, dy: tf.Tensor) => [
      tf.grad((each) => f(each, gamma))(x, dy),
    ];

  it("has no sums of what was centred, and stretches no row of its gradient", async () => {
    const both = compile(
      shapes,
      gradientOf((x, gamma) => {
        const { mean, variance } = tf.moments(x, -1, true);
        return tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gamma);
      }),
    );
    expect(count(both.plain, "ReduceSum")).toBe(3);
    expect(count(both.optimised, "ReduceSum")).toBe(2);
    expect(count(both.plain, "Expand")).toBe(2);
    expect(count(both.optimised, "Expand")).toBe(0);
    await expectEqual(both, shapes);
  });

  it("multiplies by the constants of a GELU once", async () => {
    const both = compile(
      shapes,
      gradientOf((x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1))),
    );
    const full = (graph: Graph): number => graph.nodes.filter(({ op }) => op === "Mul" || op === "Div").length;
    expect(full(both.optimised)).toBeLessThan(full(both.plain));
    await expectEqual(both, shapes);
  });

  it("corrects Adam's moments by numbers, not element by element", async () => {
    const moments = { m: [6, 8], v: [6, 8], c: [], d: [] };
    const both = compile(moments, (m, v, c, d) => [
      tf.mul(
        tf.div(tf.div(m, tf.add(tf.abs(c), 0.1)), tf.add(tf.sqrt(tf.div(tf.abs(v), tf.add(tf.abs(d), 0.1))), 1e-3)),
        -0.01,
      ),
    ]);
    expect(count(both.plain, "Div")).toBe(3);
    expect(
      both.optimised.nodes.filter(({ op, outputs }) => op === "Div" && sizeOf(outputs[0]?.shape ?? []) > 1),
    ).toHaveLength(1);
    await expectEqual(both, moments);
  });
});

describe("what onnxruntime would find itself", () => {
  const shapes = { q: [2, 4, 3, 8], k: [2, 4, 3, 8], v: [2, 4, 3, 8], dy: [2, 3, 4, 8] };
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, dy: tf.Tensor): tf.Tensor[] => {
    const heads = (x: tf.Tensor): tf.Tensor => tf.transpose(x, [0, 2, 1, 3]);
    const mixed = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor =>
      tf.matMul(tf.softmax(tf.mul(tf.matMul(heads(a), heads(b), false, true), 0.25)), heads(c));
    return tf.grads(mixed)([q, k, v], dy);
  };

  it("is in the graph: operands that are transposed, and factors", async () => {
    const { plain, optimised, fused } = compile(shapes, attend);
    expect(count(fused, "MatMul") + count(fused, "FusedMatMul")).toBe(count(optimised, "MatMul"));
    // Of queries, keys and values, and of their gradients: nothing is transposed to be multiplied.
    expect(count(fused, "Transpose")).toBe(6);
    expect(count(fused, "Mul")).toBe(2);
    await expectEqual({ plain, optimised: fused }, shapes);
  });

  it("is in the graph: a relu after a product", async () => {
    const layer = { x: [4, 3], w: [3, 5], b: [5] };
    const { plain, fused } = compile(layer, (x, w, b) => [
      tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b)),
    ]);
    expect(ops(fused)).toEqual(["FusedGemm"]);
    await expectEqual({ plain, optimised: fused }, layer);
    expect(flopsOf(fused)).toBe(2 * 4 * 3 * 5);
  });
});
