import { add, encodeModel, GraphBuilder } from "@stampede/graph/internals";

/**
 * An ONNX model that multiplies an m x k and a k x n matrix once for each element of `xs`, inside a Scan, as training steps run. Input
 * and output change with every product, so that none can be left out.
 */
export function gemmModel(m: number, k: number, n: number): Uint8Array {
  const outer = new GraphBuilder();
  const a = outer.input("a", "float32", [m, k]);
  const b = outer.input("b", "float32", [k, n]);
  const first = outer.input("first", "float32", [1]);
  const steps = outer.input("xs", "float32", [1, 1]);
  const inner = new GraphBuilder(outer.numbers);
  const state = inner.input("state", "float32", [1]);
  const x = inner.input("x", "float32", [1]);
  const product = inner.node("Gemm", [add(inner, a, x), b], { dtype: "float32", shape: [m, n] });
  const range = [inner.integers([0, 0]), inner.integers([1, 1])];
  const corner = inner.node("Slice", [product, ...range], { dtype: "float32", shape: [1, 1] });
  const body = inner.finish([
    { name: "next", value: state },
    { name: "corner", value: corner },
  ]);
  const types = [
    { dtype: "float32", shape: [1] },
    { dtype: "float32", shape: [1, 1, 1] },
  ] as const;
  const results = outer.emit("Scan", [first, steps], types, { attributes: { num_scan_inputs: 1 }, body });
  const graph = outer.finish(results.map((value, index) => ({ name: index === 0 ? "last" : "corners", value })));
  const openDimensions = new Map([
    ["xs", ["T"]],
    ["corners", ["T"]],
  ]);
  return encodeModel(graph, { name: "gemm", openDimensions });
}
