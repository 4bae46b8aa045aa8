import { isStampedeError } from "@stampede/core";
import { bindInputs } from "@stampede/graph/format";
import { add, encodeModel, GraphBuilder, mul } from "@stampede/graph/internals";
import { expect, it } from "vitest";
import { floats, numbersOf, ort, runModel } from "../../support/onnx.js";

function model(): Uint8Array {
  const g = new GraphBuilder();
  const [x, w, b] = ["x", "w", "b"].map((name) => g.input(name, "float32", [2]));
  if (x === undefined || w === undefined || b === undefined) throw new Error("no inputs");
  const graph = g.finish([{ name: "y", value: add(g, mul(g, x, w), b) }]);
  return encodeModel(graph, { name: "test", metadata: () => ({ kept: "yes" }) });
}

it("makes inputs constants, and leaves the others", async () => {
  const weights = new Map([["w", { dtype: "float32", shape: [2], data: Float32Array.of(10, 100) }] as const]);
  const bound = bindInputs(model(), weights, "here");
  const session = await ort.InferenceSession.create(bound, { logSeverityLevel: 3 });
  expect(session.inputNames).toEqual(["x", "b"]);
  await session.release();
  const { y } = await runModel(bound, { x: floats([1, 2], [2]), b: floats([5, 6], [2]) });
  expect(numbersOf(y)).toEqual([15, 206]);
});

it("keeps everything else byte for byte when there is nothing to bind", () => {
  expect(bindInputs(model(), new Map(), "here")).toEqual(model());
});

it("refuses a file that is cut off, naming it", () => {
  try {
    bindInputs(model().subarray(0, 50), new Map(), "jobs/j/graph/predict.onnx");
    throw new Error("expected a refusal");
  } catch (error) {
    expect(isStampedeError(error) && error.code).toBe("graph.invalid");
    expect(String(error)).toContain("jobs/j/graph/predict.onnx");
  }
});
