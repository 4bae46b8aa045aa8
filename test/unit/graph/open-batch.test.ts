import { isStampedeError } from "@stampede/core";
import { prepareTfjs } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import {
  openBatch,
  encodeModel,
  type Value,
  removeDeadCode,
  tensorFor,
  trace,
  type Trace,
} from "@stampede/graph/internals";
import { floats, numbersOf, runModel } from "../../support/onnx.js";

beforeAll(prepareTfjs);

type Run = (x: tf.Tensor2D) => tf.Tensor;

function open(run: Run): Uint8Array {
  const record = (rows: number): { traced: Trace; x: Value } => {
    const inputs: Value[] = [];
    const traced = trace(({ g }) => {
      const x = g.input("x", "float32", [rows, 4]);
      inputs.push(x);
      return [run(tensorFor(x) as tf.Tensor2D)];
    });
    const [x] = inputs;
    if (x === undefined) throw new Error("no input");
    return { traced, x };
  };
  const [first, second] = [record(5), record(8)];
  const [graph, other] = [first, second].map(({ traced, x }) => {
    const outputs = traced.results.map((value) => ({ name: "y", value }));
    return removeDeadCode({ ...traced.g.finish(outputs), inputs: [{ name: "x", value: x }] });
  });
  if (graph === undefined || other === undefined) throw new Error("no graphs");
  const opened = openBatch({ graph, size: 5, other, otherSize: 8 }, first.x, first.traced.g.numbers);
  const openDimensions = new Map([
    ["x", ["N"]],
    ["y", opened.outputs[0]?.value.shape.map((_, axis) => `D${axis}`) ?? []],
  ]);
  return encodeModel(opened, { name: "test", openDimensions });
}

const runs: readonly { what: string; run: Run }[] = [
  { what: "a reshape", run: (x) => tf.reshape(x, [x.shape[0], 2, 2]) },
  { what: "a flat result", run: (x) => tf.reshape(x, [-1]) },
  { what: "a batch that is stretched", run: (x) => tf.add(tf.tile(tf.sum(x, 1, true), [1, 4]), tf.ones(x.shape)) },
  { what: "constants as large as the batch", run: (x) => tf.concat([x, tf.fill(x.shape, 3)], 1) },
  { what: "a slice up to the end of the batch", run: (x) => tf.slice(x, [1, 0], [x.shape[0] - 1, 2]) },
  {
    what: "normalisation of rows",
    run: (x) => tf.div(tf.sub(x, tf.mean(x, 1, true)), tf.add(tf.sqrt(tf.moments(x, 1, true).variance), 1)),
  },
  { what: "broadcasting to the batch", run: (x) => tf.broadcastTo(tf.reshape(tf.sum(x, 0), [1, 4]), x.shape) },
];

it.each(runs)("leaves the batch open: $what", async ({ run }) => {
  const bytes = open(run);
  for (const rows of [1, 2, 5, 11]) {
    const values = Array.from({ length: rows * 4 }, (_, index) => Math.sin(index * 1.7));
    const expected = run(tf.tensor2d(values, [rows, 4]));
    const { y } = await runModel(bytes, { x: floats(values, [rows, 4]) });
    expect(y?.dims).toEqual(expected.shape);
    const found = numbersOf(y);
    for (const [index, value] of expected.dataSync().entries()) expect(found[index]).toBeCloseTo(value, 5);
  }
});

it.each([
  { what: "a number computed from the batch size", run: (x: tf.Tensor2D) => tf.mul(x, 1 / x.shape[0]) },
  {
    what: "a list as long as the batch",
    run: (x: tf.Tensor2D) => tf.add(x, tf.reshape(tf.range(0, x.shape[0]), [-1, 1])),
  },
  { what: "another structure", run: (x: tf.Tensor2D) => (x.shape[0] > 6 ? tf.exp(x) : tf.log(x)) },
  { what: "more operations", run: (x: tf.Tensor2D) => (x.shape[0] > 6 ? tf.exp(tf.exp(x)) : tf.exp(x)) },
  {
    what: "a shape that grows by halves",
    run: (x: tf.Tensor2D) =>
      tf.reshape(tf.slice(x, [0, 0], [Math.floor(x.shape[0] / 2) * 2, 4]), [Math.floor(x.shape[0] / 2), 8]),
  },
])("refuses $what instead of a wrong graph", ({ run }) => {
  const refused = (): unknown => {
    try {
      return open(run);
    } catch (error) {
      return error;
    }
  };
  const error = refused();
  expect(isStampedeError(error) && [error.code, error.details["reason"]]).toEqual([
    "model.not-traceable",
    "batch-size",
  ]);
});
