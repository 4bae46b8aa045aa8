import { reshape } from "../ir/ops/shape.js";
import { producerOf, splatOf, type Node, type Value } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

const elementwise: ReadonlySet<string> = new Set([
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Floor",
  "Cast",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
]);

/**
 * f(slice of a pool of random numbers) is a slice of f(pool), for functions of single elements: then f is computed once for the whole
 * run instead of in every step.
 * @param pools graph inputs
 */
export function functionOfPool(pools: ReadonlySet<Value>): Rule {
  return (node, inputs, { g }) => {
    const at = inputs.findIndex((value) => sliceOfPool(value, pools) !== undefined);
    const found = sliceOfPool(inputs[at], pools);
    const [result] = node.outputs;
    if (found === undefined || result === undefined || !elementwise.has(node.op)) return undefined;
    const isNumber = (value: Value | undefined): boolean => splatOf(value) !== undefined && value?.shape.length === 0;
    if (!inputs.every((value, index) => index === at || isNumber(value))) return undefined;
    if (result.shape.length !== (inputs[at]?.shape.length ?? -1)) return undefined;
    const [pool, ...range] = found.inputs;
    const operands = inputs.map((value, index) => (index === at ? pool : value));
    const type = { dtype: result.dtype, shape: pool?.shape ?? [] };
    const computed = g.node(node.op, operands, type, { attributes: node.attributes });
    const { shape = [] } = found.outputs[0] ?? {};
    return [reshape(g, g.node("Slice", [computed, ...range], { dtype: result.dtype, shape }), result.shape)];
  };
}

/** The Slice behind a value, perhaps reshaped, that is cut from a pool or from what was computed of one. */
function sliceOfPool(value: Value | undefined, pools: ReadonlySet<Value>): Node | undefined {
  const reshaped = producerOf(value, "Reshape");
  const slice = producerOf(reshaped === undefined ? value : reshaped.inputs[0], "Slice");
  return slice !== undefined && isOfPool(slice.inputs[0], pools) ? slice : undefined;
}

function isOfPool(value: Value | undefined, pools: ReadonlySet<Value>): boolean {
  if (value === undefined) return false;
  if (pools.has(value)) return true;
  const node = producerOf(value);
  if (node === undefined || !elementwise.has(node.op)) return false;
  return node.inputs.some((input) => isOfPool(input, pools));
}
