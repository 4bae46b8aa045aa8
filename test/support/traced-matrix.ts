import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCases } from "./traced-cases.js";
import { integers, quarters, tensors } from "./traced-inputs.js";
import { tf, type Given, type Sample } from "./traced.js";

const extent = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);
const filled = fc.integer({ min: 1, max: 5 });
/**
 * Outer dimensions of the factors. Where both are stretched at once, tfjs' CPU kernel reads beyond them.
 */
const outers = fc.constantFrom<readonly [number[], number[]]>(
  [[], []],
  [[1], []],
  [[], [1, 1]],
  [[3], [3]],
  [[3], []],
  [[], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [1, 1],
    [2, 2],
  ],
  [[0], [0]],
);

interface Product {
  readonly a: Given;
  readonly b: Given;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function products(
  outer: typeof outers,
  inner: fc.Arbitrary<number>,
  element: fc.Arbitrary<number>,
  dtype: Given["dtype"],
): fc.Arbitrary<Product> {
  return fc
    .tuple(outer, fc.tuple(inner, inner, inner), fc.boolean(), fc.boolean())
    .chain(([[outerA, outerB], [m, k, n], transposeA, transposeB]) => {
      const a = tensors([...outerA, ...(transposeA ? [k, m] : [m, k])], element, dtype);
      const b = tensors([...outerB, ...(transposeB ? [n, k] : [k, n])], element, dtype);
      return fc.record({ a, b, transposeA: fc.constant(transposeA), transposeB: fc.constant(transposeB) });
    });
}

const sampleOf = ({ a, b, transposeA, transposeB }: Product): Sample => ({
  what: { transposeA, transposeB },
  inputs: [a, b],
  run: (left, right) => tf.matMul(left, right, transposeA, transposeB),
});

/** tfjs has no gradient for what was stretched. */
function isSameOuter({ a, b }: Product): boolean {
  return a.shape.slice(0, -2).join() === b.shape.slice(0, -2).join();
}

const plain = fc.constant<readonly [number[], number[]]>([[], []]);
const activations = fc.constantFrom("linear", "relu", "relu6", "elu", "sigmoid", "leakyrelu", "prelu");

export const matrixCases: KernelCases = {
  BatchMatMul: [
    {
      name: "outer dimensions and transposes, with gradients",
      samples: products(outers, filled, quarters, "float32")
        .filter(({ a }) => a.shape[0] !== 0)
        .map((product): Sample => ({ ...sampleOf(product), gradient: isSameOuter(product) })),
      runs: 100,
    },
    { name: "empty matrices", samples: products(outers, extent, quarters, "float32").map(sampleOf) },
    { name: "int32", samples: products(outers, filled, integers, "int32").map(sampleOf) },
    {
      name: "NaN and infinity",
      samples: products(plain, filled, fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1), "float32").map(sampleOf),
    },
  ],
  _FusedMatMul: [
    {
      name: "bias and activation",
      samples: fc
        .tuple(products(plain, filled, quarters, "float32"), activations)
        .chain(([product, activation]) => {
          const columns = product.b.shape[product.transposeB ? 0 : 1] ?? 0;
          return fc.record({
            product: fc.constant(product),
            activation: fc.constant(activation),
            bias: tensors([columns]),
            slope: tensors([columns]),
          });
        })
        .map(({ product: { a, b, transposeA, transposeB }, activation, bias, slope }): Sample => {
          const fuse = (left: Tf.Tensor2D, right: Tf.Tensor2D, added: Tf.Tensor, slopes: Tf.Tensor): Tf.Tensor =>
            tf.fused.matMul({
              a: left,
              b: right,
              transposeA,
              transposeB,
              bias: added,
              activation,
              preluActivationWeights: slopes,
              leakyreluAlpha: 0.25,
            });
          return {
            what: { transposeA, transposeB, activation },
            inputs: [a, b, bias, slope],
            run: (...all) => fuse(...(all as [Tf.Tensor2D, Tf.Tensor2D, Tf.Tensor, Tf.Tensor])),
            tolerance: { ulps: 4, of: "element", absolute: 1.2e-7 },
          };
        }),
      runs: 80,
    },
  ],
};
