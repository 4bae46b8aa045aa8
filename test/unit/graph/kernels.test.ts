import { isStampedeError, uniformStream } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { kernels } from "@stampede/graph/internals";
import { activationCases } from "../../support/traced-activation.js";
import { arithmeticCases } from "../../support/traced-arithmetic.js";
import { convolutionCases } from "../../support/traced-convolution.js";
import { creationCases } from "../../support/traced-creation.js";
import { gatherCases } from "../../support/traced-gather.js";
import { imageCases } from "../../support/traced-image.js";
import { matrixCases } from "../../support/traced-matrix.js";
import { poolingCases } from "../../support/traced-pooling.js";
import { reductionCases } from "../../support/traced-reduction.js";
import { shapeCases } from "../../support/traced-shape.js";
import { unaryCases } from "../../support/traced-unary.js";
import { onGraph, tf, type Given, type Run } from "../../support/traced.js";

const compared = [
  activationCases,
  arithmeticCases,
  convolutionCases,
  creationCases,
  gatherCases,
  imageCases,
  matrixCases,
  poolingCases,
  reductionCases,
  shapeCases,
  unaryCases,
].flatMap((cases) => Object.entries(cases).flatMap(([name, list]) => (list.length > 0 ? [name] : [])));

function given(shape: readonly number[], dtype: Given["dtype"] = "float32"): Given {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { dtype, shape, values: Array.from({ length: size }, (_, index) => (index % 2) + 1) };
}

async function refusal(run: Run, ...inputs: Given[]): Promise<string> {
  try {
    await onGraph(run, inputs);
  } catch (error) {
    expect(isStampedeError(error) && error.code).toBe("model.not-traceable");
    return error instanceof Error ? error.message : "";
  }
  throw new Error("it was not refused");
}

function call(kernelName: string, inputs: Record<string, Tf.Tensor>, attrs: Tf.NamedAttrMap): Tf.Tensor {
  return tf.engine().runKernel(kernelName, inputs, attrs);
}

it("compares every kernel of the table with tfjs", () => {
  expect(Object.keys(kernels).filter((name) => !compared.includes(name))).toEqual([]);
  expect(compared.filter((name) => !(name in kernels))).toEqual([]);
  expect(compared).toHaveLength(new Set(compared).size);
});

describe("refuses, naming the option,", () => {
  it("kernels without a lowering", async () => {
    expect(await refusal((x) => tf.localResponseNormalization(x as Tf.Tensor4D), given([1, 2, 2, 1]))).toContain(
      "the tfjs kernel LRN",
    );
  });

  it("channels first where only channels last are known", async () => {
    const depthwise: Run = (x, w) => tf.depthwiseConv2d(x as Tf.Tensor4D, w as Tf.Tensor4D, 1, "same", "NCHW");
    expect(await refusal(depthwise, given([1, 2, 4, 4]), given([2, 2, 2, 1]))).toContain("it has the dataFormat NCHW");
    const pool: Run = (x) => call("MaxPool3D", { x }, { filterSize: 2, strides: 1, pad: "valid", dataFormat: "NCDHW" });
    expect(await refusal(pool, given([1, 1, 3, 3, 3]))).toContain("it has the dataFormat NCDHW");
    const conv: Run = (x, filter) =>
      call("Conv3D", { x, filter }, { strides: 1, pad: "valid", dataFormat: "NCDHW", dilations: 1 });
    expect(await refusal(conv, given([1, 1, 3, 3, 3]), given([1, 1, 1, 1, 1]))).toContain(
      "it has the dataFormat NCDHW",
    );
    const blocks: Run = (x) => tf.depthToSpace(x as Tf.Tensor4D, 2, "NCHW");
    expect(await refusal(blocks, given([1, 4, 2, 2]))).toContain("it has the dataFormat NCHW");
  });

  it("windows that do not fit", async () => {
    const tooLarge: Run = (x) => tf.maxPool(x as Tf.Tensor4D, 4, 1, "valid");
    expect(await refusal(tooLarge, given([1, 3, 3, 1]))).toContain("it has windows larger than its input");
    const padding: Run = (x) => tf.maxPool(x as Tf.Tensor4D, 1, 1, 1);
    expect(await refusal(padding, given([1, 3, 3, 1], "int32"))).toContain("it has windows in the padding alone");
    // tfjs' own gradient does not know of dimRoundingMode.
    const rounded: Run = (x) => tf.grad((t) => tf.maxPool(t as Tf.Tensor4D, 3, 2, 0, "ceil"))(x);
    expect(await refusal(rounded, given([1, 6, 6, 1]))).toContain("as with dimRoundingMode");
  });

  it("dtypes for which tfjs itself makes no sense", async () => {
    expect(await refusal((x) => tf.sinh(x), given([2], "int32"))).toContain("it computes with int32");
    expect(await refusal((x) => tf.selu(x), given([2], "int32"))).toContain("it computes with int32");
    expect(await refusal((x) => tf.atan2(x, x), given([2], "int32"))).toContain("it computes with int32");
    expect(await refusal((x) => tf.add(x, x), given([2], "bool"))).toContain("it computes with bool");
    expect(await refusal((x) => tf.maxPool(x as Tf.Tensor4D, 2, 1, "same"), given([1, 2, 2, 1], "bool"))).toContain(
      "it pools bool",
    );
  });

  it("indices that name nothing, when the graph runs", async () => {
    for (const place of [-1, 3]) {
      const places: Given = { dtype: "int32", shape: [1, 1], values: [place] };
      const gather: Run = (x, at) => tf.gather(x, at, 1);
      const inBatches: Run = (x, at) => tf.gather(x, at, 1, 1);
      const nested: Run = (x, at) => tf.gatherND(x, at);
      const scatter: Run = (x, at) => tf.scatterND(at, x, [3, 3]);
      const gradient: Run = (x, at) => tf.grad((rows) => tf.gather(rows, at))(x);
      for (const [run, shape] of [
        [gather, [2, 3]],
        [inBatches, [1, 3]],
        [nested, [3, 3]],
        [scatter, [1, 3]],
        [gradient, [3, 3]],
      ] as const) {
        await expect(onGraph(run, [given(shape), places])).rejects.toThrow(/index|indice/);
      }
    }
  });
});

describe("the gradient of an embedding", () => {
  it("does not look for rows that there are not, which its embedding refuses", async () => {
    const ids: Given = { dtype: "int32", shape: [3], values: [2, 0, 2] };
    const { results, ops } = await onGraph(
      (table, of) => {
        const { value, grad } = tf.valueAndGrad((rows) => tf.sum(tf.gather(rows, of)))(table);
        return [value, grad];
      },
      [given([3, 2]), ids],
    );
    expect(results[1]?.values).toEqual([1, 1, 0, 0, 2, 2]);
    expect(ops).not.toContain("Equal");
  });

  it("is the same every time and loses nothing, on two threads", async () => {
    const [rows, width, count] = [5, 64, 12_000];
    const random = uniformStream(1);
    const ids: Given = {
      dtype: "int32",
      shape: [count],
      values: Array.from({ length: count }, () => Math.floor(random() * rows)),
    };
    // Sums of these are exact, in any order.
    const dy: Given = {
      dtype: "float32",
      shape: [count, width],
      values: Array.from({ length: count * width }, () => Math.floor(random() * 8)),
    };
    const expected = Array.from({ length: rows * width }, () => 0);
    dy.values.forEach((value, index) => {
      const at = (ids.values[Math.floor(index / width)] ?? 0) * width + (index % width);
      expected[at] = (expected[at] ?? 0) + value;
    });
    for (let repetition = 0; repetition < 5; repetition += 1) {
      const { results } = await onGraph((x, of) => tf.unsortedSegmentSum(x, of as Tf.Tensor1D, rows), [dy, ids], {
        threads: 2,
      });
      expect(results[0]?.values).toEqual(expected);
    }
  });
});

describe("dilated depthwise convolutions, for which tfjs has no gradient,", () => {
  it.each([
    { pad: "same", dilations: [2, 3] },
    { pad: "valid", dilations: [2, 1] },
    { pad: 2, dilations: [1, 2] },
  ])("have the gradients of their sum of products: $pad, $dilations", async ({ pad, dilations }) => {
    const random = uniformStream(2);
    const quarters = (shape: readonly number[]): Given => {
      const { values, ...rest } = given(shape);
      return { ...rest, values: values.map(() => Math.floor(random() * 32 - 16) / 4) };
    };
    const [x, filter] = [quarters([2, 7, 8, 2]), quarters([3, 2, 2, 2])];
    const attrs = { strides: 1, pad, dilations, dataFormat: "NHWC" };
    const forward = (image: Tf.Tensor, weights: Tf.Tensor): Tf.Tensor =>
      tf.depthwiseConv2d(
        image as Tf.Tensor4D,
        weights as Tf.Tensor4D,
        1,
        pad as "same",
        "NHWC",
        dilations as [number, number],
      );
    const dy = quarters(tf.tidy(() => forward(tf.zeros([...x.shape]), tf.zeros([...filter.shape])).shape));
    const { results } = await onGraph(
      (image, weights, gradient) => {
        const ofImage = call(
          "DepthwiseConv2dNativeBackpropInput",
          { dy: gradient, filter: weights },
          { ...attrs, inputShape: [...x.shape] },
        );
        const ofWeights = call(
          "DepthwiseConv2dNativeBackpropFilter",
          { x: image, dy: gradient },
          { ...attrs, filterShape: [...filter.shape] },
        );
        return [
          tf.sum(tf.mul(forward(image, weights), gradient)),
          tf.sum(tf.mul(ofImage, image)),
          tf.sum(tf.mul(ofWeights, weights)),
        ];
      },
      [x, filter, dy],
    );
    // The convolution is linear in both, so each gradient times its argument is the whole sum.
    const [whole, ...parts] = results.map(({ values }) => values[0]);
    expect(parts).toEqual([whole, whole]);
  });
});
