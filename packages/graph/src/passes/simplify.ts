import { arithmetic, cast } from "../ir/ops/elementwise.js";
import { reshape, transpose } from "../ir/ops/shape.js";
import { splatOf } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

/** Applies the simplifications of the builder's own operations again, to inputs that other rules have changed. */
export const simplify: Rule = ({ op, domain, outputs, attributes }, [a, b], { g }) => {
  const [result] = outputs;
  if (a === undefined || result === undefined || domain !== "") return undefined;
  switch (op) {
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
      return b === undefined ? undefined : [arithmetic(g, op, a, b)];
    case "Neg": {
      const number = splatOf(a);
      return number === undefined ? undefined : [g.splat(-number, a.dtype, a.shape)];
    }
    case "Reshape":
      return [reshape(g, a, result.shape)];
    case "Cast":
      return [cast(g, a, result.dtype)];
    case "Transpose": {
      const permutation = attributes["perm"];
      return isList(permutation) ? [transpose(g, a, permutation)] : undefined;
    }
    default:
      return undefined;
  }
};

function isList(value: unknown): value is readonly number[] {
  return Array.isArray(value);
}
