import type * as Tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { onGraph, tf, type Given } from "../../support/traced.js";

const windows = [1, -2, -3, -4, 0, -1, 0, -2, 5, 5, 3, -1, -1, -2, -3, -4];
const x: Given = { dtype: "float32", shape: [1, 4, 4, 1], values: windows };
const pool = (h: Tf.Tensor): Tf.Tensor => tf.maxPool(h as Tf.Tensor4D, 2, 2, "valid");
const onCpu = (run: (z: Tf.Tensor) => Tf.Tensor): number[] => [
  ...run(tf.tensor(x.values as number[], [1, 4, 4, 1])).dataSync(),
];

const runs: readonly { what: string; run: (z: Tf.Tensor) => Tf.Tensor }[] = [
  { what: "through the relu", run: (z) => tf.grad((each: Tf.Tensor) => pool(tf.relu(each)))(z) },
  { what: "for the relu's own result", run: (z) => tf.grad(pool)(tf.relu(z)) },
  {
    what: "for the relu's own result, and then masked by another relu",
    run: (z) => tf.mul(tf.grad(pool)(tf.relu(z)), tf.step(tf.neg(z))),
  },
  {
    what: "where the relu's result is used elsewhere too",
    run: (z) =>
      tf.grad((each: Tf.Tensor) =>
        tf.sum(tf.concat([tf.reshape(pool(tf.relu(each)), [-1]), tf.reshape(tf.square(tf.relu(each)), [-1])])),
      )(z),
  },
  { what: "summed over windows", run: (z) => tf.sum(tf.grad((each: Tf.Tensor) => pool(tf.relu(each)))(z), [0, 1, 2]) },
];

it.each(runs)("spreads the gradient of a pooling over a relu as tfjs does: $what", async ({ run }) => {
  const { results } = await onGraph((z: Tf.Tensor) => run(z), [x]);
  expect(results[0]?.values).toEqual(onCpu(run));
});
