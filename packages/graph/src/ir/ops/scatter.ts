import { sizeOf } from "@stampede/core";
import type { GraphBuilder } from "../builder.js";
import type { Value } from "../types.js";
import { cast, compare, where } from "./elementwise.js";
import { slice } from "./shape.js";

/**
 * onnxruntime shares the work of a ScatterND among threads once it is about 200,000 elements, and then two threads add to the same
 * element at once: additions are lost. Smaller pieces are computed by one thread.
 */
const maxScattered = 131_072;

/**
 * Adds updates to the parts of `target` that indices name, in their order; several may name the same part.
 * @param indices whole numbers [n, depth]: where in the first `depth` dimensions of the target
 * @param updates [n, ...target.shape.slice(depth)]
 */
export function scatterAdd(g: GraphBuilder, target: Value, indices: Value, updates: Value): Value {
  const places = cast(g, indices, "int64");
  const [count = 0] = updates.shape;
  const rows = Math.max(1, Math.floor(maxScattered / Math.max(1, sizeOf(updates.shape.slice(1)))));
  let result = target;
  for (let start = 0; start < count; start += rows) {
    const range = [{ axis: 0, start, end: Math.min(count, start + rows) }];
    const inputs = [result, slice(g, places, range), slice(g, updates, range)];
    const type = { dtype: target.dtype, shape: target.shape };
    result = g.node("ScatterND", inputs, type, { attributes: { reduction: "add" } });
  }
  return result;
}

/** Indices that ONNX refuses where they are negative, as tfjs does. (To ONNX -1 is the last element.) */
export function withoutNegative(g: GraphBuilder, indices: Value): Value {
  const none = g.scalar(2_147_483_647, indices.dtype);
  return where(g, compare(g, "Less", indices, g.scalar(0, indices.dtype)), none, indices);
}
