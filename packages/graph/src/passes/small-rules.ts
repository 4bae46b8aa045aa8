import { cast } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import { elementsOf, isConstant, isSameShape, producerOf } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

/** A sum that is reshaped to have its axes back keeps them in the first place. */
export const keepReducedAxes: Rule = (node, inputs, { g }) => {
  const [sum] = inputs;
  const reduction = producerOf(sum, "ReduceSum");
  const [x, axes] = reduction?.inputs ?? [];
  const [result] = node.outputs;
  if (node.op !== "Reshape" || reduction?.attributes["keepdims"] !== 0 || x === undefined || result === undefined) {
    return undefined;
  }
  if (!isConstant(axes)) return undefined;
  const reduced = new Set(elementsOf(axes));
  const kept = x.shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent));
  if (!isSameShape(kept, result.shape)) return undefined;
  return [g.node("ReduceSum", [x, axes], { dtype: x.dtype, shape: kept }, { attributes: { keepdims: 1 } })];
};

/** More rows than this are summed faster by onnxruntime's ReduceSum. */
const maxSummedRows = 1024;

/** The sum of a matrix' rows (the gradient of a bias) is a product with a row of ones: 2 us instead of 7 for 64 x 128. */
export const sumOfRows: Rule = (node, inputs, { g }) => {
  const [x, axes] = inputs;
  const [result] = node.outputs;
  if (node.op !== "ReduceSum" || x?.dtype !== "float32" || result === undefined || !isConstant(axes)) return undefined;
  const [rows = 0, columns = 0, ...others] = x.shape;
  const isFirst = axes.shape[0] === 1 && elementsOf(axes)[0] === 0;
  if (!isFirst || columns < 2 || rows < 2 || others.length > 0 || rows > maxSummedRows) return undefined;
  const sum = g.node("Gemm", [g.splat(1, "float32", [1, rows]), x], { dtype: "float32", shape: [1, columns] });
  return [reshape(g, sum, result.shape)];
};

/** The class of a one-hot row that was made from the class. Labels were checked to be classes. */
export const classOfOneHot: Rule = (node, inputs, { g }) => {
  const [result] = node.outputs;
  const equal = producerOf(producerOf(inputs[0], "Cast")?.inputs[0], "Equal");
  const [column, range] = equal?.inputs ?? [];
  const classes = producerOf(column, "Reshape")?.inputs[0];
  if (node.op !== "ArgMax" || result === undefined || classes === undefined || !isConstant(range)) return undefined;
  const isRange = range.shape.length === 1 && elementsOf(range).every((value, index) => value === index);
  const isLast = node.attributes["axis"] === (inputs[0]?.shape.length ?? 0) - 1;
  if (!isRange || !isLast || !isSameShape(classes.shape, result.shape)) return undefined;
  return [cast(g, classes, "int64")];
};

/** int32 to int64 and back. */
export const castThereAndBack: Rule = (node, inputs) => {
  const [result] = node.outputs;
  const inner = producerOf(inputs[0], "Cast")?.inputs[0];
  if (node.op !== "Cast" || inner === undefined || result === undefined) return undefined;
  if (inner.dtype === result.dtype && inner.dtype === "int32" && inputs[0]?.dtype === "int64") return [inner];
  return undefined;
};
