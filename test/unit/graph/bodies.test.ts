import { encodeModel, GraphBuilder, mul, optimise, add, type Graph } from "@stampede/graph/internals";
import { expect, it } from "vitest";
import { floats, numbersOf, runModel } from "../../support/onnx.js";

const float = "float32";

/**
 * state' = state + a product + steady, where the product is of outside and is used twice, and `steady` is made inside but the same in every
 * step.
 */
function scanned(): Graph & { readonly numbers: GraphBuilder["numbers"] } {
  const g = new GraphBuilder();
  const [x, w, s] = [g.input("x", float, [2, 3]), g.input("w", float, [3, 3]), g.input("s", float, [4, 2, 3])];
  const type = { dtype: float, shape: [2, 3] } as const;
  const product = g.node("Gemm", [x, w], type);
  const inner = g.inner();
  const [state, step] = [inner.input("", float, [2, 3]), inner.input("", float, [2, 3])];
  const steady = mul(inner, product, product);
  const next = add(inner, add(inner, state, product), mul(inner, step, steady));
  const unused = inner.node("Exp", [next], type);
  expect(inner.nodes.at(-1)?.outputs[0]).toBe(unused);
  const body = inner.finish([
    { name: "next", value: next },
    { name: "copy", value: next },
  ]);
  const results = g.emit("Scan", [x, s], [type, { dtype: float, shape: [4, 2, 3] }], {
    attributes: { num_scan_inputs: 1 },
    body,
  });
  return { ...g.finish(results.map((value, index) => ({ name: `y${index}`, value }))), numbers: g.numbers };
}

const bodyOf = ({ nodes }: Graph): readonly string[] | undefined =>
  nodes.find(({ op }) => op === "Scan")?.body?.nodes.map(({ op }) => op);
const ops = ({ nodes }: Graph): readonly string[] => nodes.map(({ op }) => op);

it("moves what is the same in every step in front of a Scan, removes what nobody uses, and makes no product again inside", async () => {
  const plain = scanned();
  const optimised = optimise(plain, plain.numbers);
  expect(bodyOf(plain)).toEqual(["Mul", "Add", "Mul", "Add", "Exp"]);
  expect(ops(optimised)).toEqual(["Gemm", "Mul", "Scan"]);
  expect(bodyOf(optimised)).toEqual(["Add", "Mul", "Add"]);
  const numbers = (length: number): number[] => Array.from({ length }, (_, index) => ((index * 7) % 5) / 5 - 0.4);
  const feeds = { x: floats(numbers(6), [2, 3]), w: floats(numbers(9), [3, 3]), s: floats(numbers(24), [4, 2, 3]) };
  const [before, after] = await Promise.all(
    [plain, optimised].map((graph) => runModel(encodeModel(graph, { name: "test" }), feeds)),
  );
  for (const name of ["y0", "y1"]) expect([...numbersOf(after?.[name])]).toEqual([...numbersOf(before?.[name])]);
});
