import { sizeOf, uniformStream } from "@stampede/core";
import { add, encodeModel, GraphBuilder, joinUpdates, mul, type Graph, type Value } from "@stampede/graph/internals";
import { describe, expect, it } from "vitest";
import { floats, numbersOf, runModel } from "../../support/onnx.js";

type Shapes = readonly (readonly number[])[];

/**
 * The step of gradient descent with momentum, for weights of these shapes.
 * @param use makes one more output of each new weight
 */
function momentum(shapes: Shapes, use?: (g: GraphBuilder, after: Value) => Value): { graph: Graph; joined: Graph } {
  const g = new GraphBuilder();
  const rate = g.input("rate", "float32", []);
  const outputs = shapes.flatMap((shape, index) => {
    const weight = g.input(`w${index}`, "float32", shape);
    const slot = add(
      g,
      mul(g, g.input(`m${index}`, "float32", shape), g.scalar(0.9)),
      g.input(`g${index}`, "float32", shape),
    );
    const after = add(g, weight, mul(g, slot, rate));
    const extra = use === undefined ? [] : [{ name: `extra${index}`, value: use(g, after) }];
    return [{ name: `w${index} after`, value: after }, { name: `m${index} after`, value: slot }, ...extra];
  });
  const graph = g.finish(outputs);
  return { graph, joined: joinUpdates(graph, g.numbers) };
}

const count = ({ nodes }: Graph, op: string): number => nodes.filter((node) => node.op === op).length;

async function expectSameBits({ graph, joined }: { graph: Graph; joined: Graph }): Promise<void> {
  const next = uniformStream(3);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, value: { shape } }) => [
      name,
      floats(
        Array.from({ length: sizeOf(shape) }, () => next() - 0.5),
        shape,
      ),
    ]),
  );
  const [before, after] = await Promise.all(
    [graph, joined].map((each) => runModel(encodeModel(each, { name: "test" }), feeds)),
  );
  for (const { name } of graph.outputs) expect(numbersOf(after?.[name])).toEqual(numbersOf(before?.[name]));
}

describe("updates of small tensors", () => {
  it("are one, whatever their shapes, with the same bits", async () => {
    const both = momentum([[8], [5], [3], [7], [2], [9], [4]]);
    expect(count(both.graph, "Mul")).toBe(14);
    expect(count(both.joined, "Mul")).toBe(2);
    expect(count(both.joined, "Concat")).toBe(3);
    await expectSameBits(both);
    const matrices = momentum([[8], [5], [3, 2], [7], [2], [9], [4], [11], [12]]);
    expect(count(matrices.joined, "Mul")).toBe(2);
    await expectSameBits(matrices);
  });

  it("stay as they are where that takes fewer nodes", () => {
    const { graph, joined } = momentum([[8], [5]]);
    expect(joined).toBe(graph);
  });

  it("leave large tensors alone, and numbers", async () => {
    const both = momentum([[8], [5], [3], [7], [64, 65], [1], [9], [4], [6]]);
    expect(count(both.joined, "Mul")).toBe(2 + 2 * 2);
    await expectSameBits(both);
  });

  it("stay as they are where their results are used in the same step", () => {
    const { graph, joined } = momentum([[8], [5], [3], [7], [2]], (g, after) =>
      g.node("ReduceSum", [after, g.integers([0])], { dtype: "float32", shape: [] }, { attributes: { keepdims: 0 } }),
    );
    expect(joined).toBe(graph);
  });
});
