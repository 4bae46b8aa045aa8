import { expect, it } from "vitest";
import { GraphBuilder, encodeModel, add, mul, type Value } from "@stampede/graph/internals";
import { floats, numbersOf, ort, runModel } from "../../support/onnx.js";

function model(build: (g: GraphBuilder, x: Value) => Value, open = false): Uint8Array {
  const g = new GraphBuilder();
  const y = build(g, g.input("x", "float32", [2]));
  const openDimensions = new Map(
    open
      ? [
          ["x", ["N"]],
          ["y", ["N"]],
        ]
      : [],
  );
  return encodeModel(g.finish([{ name: "y", value: y }]), { name: "test", openDimensions });
}

it("writes a model that onnxruntime runs", async () => {
  const bytes = model((g, x) => add(g, mul(g, x, g.scalar(3)), g.constant(Float32Array.of(1, -1), "float32", [2])));
  const { y } = await runModel(bytes, { x: floats([2, 5], [2]) });
  expect(numbersOf(y)).toEqual([7, 14]);
});

it("gives the same bytes for the same graph", () => {
  const build = (g: GraphBuilder, x: Value): Value => mul(g, x, g.scalar(3));
  expect(model(build)).toEqual(model(build));
});

it("leaves dimensions open", async () => {
  const bytes = model((g, x) => mul(g, x, g.scalar(2)), true);
  const { y } = await runModel(bytes, { x: floats([1, 2, 3], [3]) });
  expect(numbersOf(y)).toEqual([2, 4, 6]);
});

it("can give out an input, a constant, and one value under two names", async () => {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [2]);
  const doubled = mul(g, x, g.scalar(2));
  const big = g.splat(7, "float32", [40]);
  const outputs = { same: x, constant: big, first: doubled, second: doubled };
  const graph = g.finish(Object.entries(outputs).map(([name, value]) => ({ name, value })));
  const results = await runModel(encodeModel(graph, { name: "test" }), { x: floats([1, 2], [2]) });
  expect(numbersOf(results["same"])).toEqual([1, 2]);
  expect(numbersOf(results["constant"])).toEqual(Array(40).fill(7));
  expect(numbersOf(results["first"])).toEqual([2, 4]);
  expect(numbersOf(results["second"])).toEqual([2, 4]);
});

it.each([
  { dtype: "int32", data: Int32Array.of(-5, 7), expected: [-5, 7] },
  { dtype: "int64", data: Float64Array.of(-(2 ** 40), 2 ** 53), expected: [-(2 ** 40), 2 ** 53] },
  { dtype: "float64", data: Float64Array.of(0.1, -0), expected: [0.1, -0] },
  { dtype: "uint8", data: Uint8Array.of(0, 255), expected: [0, 255] },
  { dtype: "bool", data: Uint8Array.of(0, 1), expected: [0, 1] },
] as const)("writes constants of dtype $dtype", async ({ dtype, data, expected }) => {
  const g = new GraphBuilder();
  const graph = g.finish([{ name: "y", value: g.constant(data, dtype, [2]) }]);
  const { y } = await runModel(encodeModel(graph, { name: "test" }), {});
  expect(numbersOf(y)).toEqual(expected);
});

it("carries state through a Scan whose body uses values from outside", async () => {
  const outer = new GraphBuilder();
  const factor = outer.input("factor", "float32", []);
  const start = outer.input("start", "float32", [1]);
  const steps = outer.input("steps", "float32", [1, 1]);
  const inner = new GraphBuilder(outer.numbers);
  const state = inner.input("", "float32", [1]);
  const step = inner.input("", "float32", [1]);
  const next = add(inner, mul(inner, state, factor), mul(inner, step, inner.splat(2, "float32", [1])));
  const body = inner.finish([
    { name: "b0", value: next },
    { name: "b1", value: next },
  ]);
  const types = [
    { dtype: "float32", shape: [1] },
    { dtype: "float32", shape: [1, 1] },
  ] as const;
  const [last, all] = outer.emit("Scan", [start, steps], types, { attributes: { num_scan_inputs: 1 }, body });
  if (last === undefined || all === undefined) throw new Error("no results");
  const graph = outer.finish([
    { name: "last", value: last },
    { name: "all", value: all },
  ]);
  const openDimensions = new Map([
    ["steps", ["T"]],
    ["all", ["T"]],
  ]);
  const feeds = { factor: floats([10], []), start: floats([1], [1]), steps: floats([1, 2, 3], [3, 1]) };
  const results = await runModel(encodeModel(graph, { name: "test", openDimensions }), feeds);
  expect(numbersOf(results["all"])).toEqual([12, 124, 1246]);
  expect(numbersOf(results["last"])).toEqual([1246]);
});

it("names the tfjs origin in onnxruntime's own messages", async () => {
  const g = new GraphBuilder();
  g.origin = "dense_1/BatchMatMul";
  const x = g.input("x", "float32", [2, 2]);
  const y = g.node("NoSuchOperator", [x], { dtype: "float32", shape: [2, 2] });
  const bytes = encodeModel(g.finish([{ name: "y", value: y }]), { name: "test" });
  await expect(ort.InferenceSession.create(bytes, { logSeverityLevel: 3 })).rejects.toThrow(/NoSuchOperator/);
});
