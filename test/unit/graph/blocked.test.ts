import type { Block } from "@stampede/core";
import { blockProbe } from "@stampede/graph/format";
import { removeDeadCode, tensorFor, trace, type Graph } from "@stampede/graph/internals";
import type * as Tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { ort } from "../../support/onnx.js";
import { onGraph, tf, type Given } from "../../support/traced.js";

const blockedDomain = "com.microsoft.nchwc";

function traced(run: (x: Tf.Tensor, w: Tf.Tensor) => Tf.Tensor, x: number[], w: number[], block?: Block): Graph {
  const { g, results } = trace(
    (recording) => {
      const inputs = [x, w].map((shape, index) => tensorFor(recording.g.input(`x${index}`, "float32", shape)));
      const [picture, filter] = inputs;
      if (picture === undefined || filter === undefined) throw new Error("two inputs");
      return [run(picture, filter)];
    },
    { block },
  );
  return removeDeadCode(g.finish(results.map((value, index) => ({ name: `y${index}`, value }))));
}

const operators = ({ nodes }: Graph): string[] =>
  nodes.map(({ op, domain }) => (domain === blockedDomain ? `blocked ${op}` : op));

const conv = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor => tf.conv2d(x as Tf.Tensor4D, w as Tf.Tensor4D, 1, "same");

describe("the probe", () => {
  it("is a small model that any onnxruntime with blocked kernels loads, or refuses", async () => {
    expect(blockProbe().length).toBeLessThan(200);
    const outcome = await ort.InferenceSession.create(blockProbe(), { logSeverityLevel: 4 }).then(
      (session) => session.outputNames,
      (error: unknown) => String(error),
    );
    expect(outcome).toEqual(Array.isArray(outcome) ? ["y"] : expect.stringContaining("ReorderInput"));
  });
});

describe("blocks", () => {
  it("are not begun for few channels, and then change nothing", () => {
    for (const block of [8, 16] as const) {
      const few = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor => tf.relu(tf.add(conv(x, w), 1));
      const [plain, wide] = [undefined, block].map((each) => traced(few, [2, 6, 6, 3], [3, 3, 3, 3], each));
      expect(wide && operators(wide)).toEqual(plain && operators(plain));
    }
  });

  it("take a bias and a relu into the convolution", () => {
    const body = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor => tf.relu(tf.add(conv(x, w), tf.mul(tf.ones([16]), 2)));
    expect(operators(traced(body, [2, 6, 6, 16], [3, 3, 16, 16], 16))).toEqual([
      "Reshape",
      "Reshape",
      "Expand",
      "blocked Conv",
      "Reshape",
    ]);
  });

  it("stay from one layer to the next, in blocks of the processor's size", () => {
    const body = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor =>
      tf.maxPool(tf.tanh(conv(conv(x, w), w)) as Tf.Tensor4D, 2, 2, 0);
    const { nodes } = traced(body, [2, 6, 6, 16], [3, 3, 16, 16], 8);
    const blocked = nodes.filter(({ domain }) => domain === blockedDomain);
    expect(blocked.map(({ op }) => op)).toEqual(["ReorderInput", "Conv", "Conv", "MaxPool", "ReorderOutput"]);
    const filter = nodes.find(({ op }) => op === "Transpose");
    // [height, width, channels / 8, 8, filters / 8, 8] as [filters / 8, channels / 8, height, width, 8 channels, 8 filters]
    expect([filter?.inputs[0]?.shape, filter?.outputs[0]?.shape]).toEqual([
      [3, 3, 2, 8, 2, 8],
      [2, 2, 3, 3, 8, 8],
    ]);
  });
});

describe("the gradient of a maximum", () => {
  it("is masked by a relu before it is spread over windows, and summed up before", () => {
    const body = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor => {
      const pooled = (bias: Tf.Tensor): Tf.Tensor =>
        tf.maxPool<Tf.Tensor4D>(tf.relu(tf.add(conv(x, w), bias)), 2, 2, 0);
      return tf.grad(pooled)(tf.ones([16]));
    };
    const graph = traced(body, [2, 6, 6, 16], [3, 3, 16, 16], 16);
    const shapesOf = (op: string): unknown[] =>
      graph.nodes.filter((node) => node.op === op).map(({ outputs }) => outputs[0]?.shape);
    expect(shapesOf("HardSigmoid")).toEqual([[2, 16, 3, 3]]);
    expect(shapesOf("Concat")).toEqual([]);
  });

  it("is masked where windows have a single element", () => {
    const body = (x: Tf.Tensor, w: Tf.Tensor): Tf.Tensor =>
      tf.grad((bias: Tf.Tensor) => tf.maxPool<Tf.Tensor4D>(tf.relu(tf.add(conv(x, w), bias)), 1, 1, 0))(tf.ones([16]));
    expect(operators(traced(body, [2, 6, 6, 16], [3, 3, 16, 16], 16))).toContain("HardSigmoid");
  });

  it.each([
    { size: 2, strides: 2, pad: "valid" },
    { size: 3, strides: 3, pad: "valid" },
    { size: 3, strides: 2, pad: "same" },
    { size: 2, strides: 1, pad: "valid" },
  ] as const)(
    "goes to the first of equal elements, row by row: $size, $strides, $pad",
    async ({ size, strides, pad }) => {
      const given = (shape: readonly number[], of: (index: number) => number): Given => {
        const count = shape.reduce((product, extent) => product * extent, 1);
        return { dtype: "float32", shape, values: Array.from({ length: count }, (_, index) => of(index)) };
      };
      // Of zeros and ones: nearly all windows have ties.
      const x = given([1, 6, 6, 16], (index) => (index * 7 + (index >> 4)) % 2);
      const unit = given([1, 1, 16, 16], (index) => (index % 17 === 0 ? 1 : 0));
      const run = (picture: Tf.Tensor, filter: Tf.Tensor): Tf.Tensor =>
        tf.grad((t) => {
          const pooled = tf.maxPool(conv(t, filter) as Tf.Tensor4D, size, strides, pad);
          return tf.mul(pooled, tf.reshape(tf.range(1, pooled.size + 1), pooled.shape));
        })(picture);
      const block = 16;
      const emulated = await onGraph(run, [x, unit], { block, isEmulated: true });
      const expected = tf.tidy(() =>
        Array.from(
          run(
            tf.tensor(x.values as number[], [1, 6, 6, 16]),
            tf.tensor(unit.values as number[], [1, 1, 16, 16]),
          ).dataSync(),
        ),
      );
      expect(emulated.results[0]?.values).toEqual(expected);
    },
  );
});
