import { encodeModel, GraphBuilder, withoutDenormals } from "@stampede/graph/internals";
import { expect, it } from "vitest";
import { floats, numbersOf, runModel } from "../../support/onnx.js";

async function flushed(values: readonly number[]): Promise<number[]> {
  const g = new GraphBuilder();
  const y = withoutDenormals(g, g.input("x", "float32", [values.length]));
  const bytes = encodeModel(g.finish([{ name: "y", value: y }]), { name: "test" });
  return numbersOf((await runModel(bytes, { x: floats(values, [values.length]) }))["y"]);
}

it("lets denormal numbers become zero", async () => {
  expect((await flushed([1e-45, -1e-40, 1.1e-38, -1.1e-38, 0])).map(Math.abs)).toEqual([0, 0, 0, 0, 0]);
});

it("leaves every number that matters as it is, to the bit", async () => {
  const values = [1e-22, -3.3e-20, 1e-7, -0.1, 1, 12_345.678, 1e30, Infinity, -Infinity, Number.NaN].map(Math.fround);
  expect(await flushed(values)).toEqual(values);
});

it("is no operation where there is nothing to gain", () => {
  const g = new GraphBuilder();
  const [scalar, whole] = [g.input("a", "float32", []), g.input("b", "int32", [5])];
  expect([withoutDenormals(g, scalar), withoutDenormals(g, whole)]).toEqual([scalar, whole]);
  expect(g.nodes).toEqual([]);
});
