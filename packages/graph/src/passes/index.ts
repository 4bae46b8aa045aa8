import type { ValueNumbers } from "../ir/builder.js";
import type { Graph, Value } from "../ir/types.js";
import { correctionOfMoments } from "./adam-rules.js";
import { numberToSmaller, stretchLast, sumOfCentred } from "./broadcast-rules.js";
import { removeDeadCode } from "./dead-code.js";
import { fuseFactor, fuseOperands, fuseRelu } from "./fuse-products.js";
import { hoistInside } from "./hoist.js";
import { addIntoProduct, updateInProduct } from "./matrix-products.js";
import { gatherNumbers } from "./number-rules.js";
import { functionOfPool } from "./pool-rules.js";
import { rewrite, type Rule } from "./rewrite.js";
import { simplify } from "./simplify.js";
import { castThereAndBack, classOfOneHot, keepReducedAxes, sumOfRows } from "./small-rules.js";
import { clipMask, gradientOfNormalisedSoftmax, sumOfSoftmax } from "./softmax-rules.js";

/** The first rule that has something to say. */
function firstOf(rules: readonly Rule[]): Rule {
  return (node, inputs, context) => {
    for (const rule of rules) {
      const results = rule(node, inputs, context);
      if (results !== undefined) return results;
    }
    return undefined;
  };
}

/**
 * All passes in their order. onnxruntime fuses nothing of what a backward pass is made of, so what is to be few nodes must be few
 * nodes here. Results stay the same within float32's rounding.
 * @param pools graph inputs that hold random numbers
 */
export function optimise(graph: Graph, numbers: ValueNumbers, pools: ReadonlySet<Value> = new Set()): Graph {
  const rounds: readonly (readonly Rule[])[] = [
    [
      keepReducedAxes,
      sumOfSoftmax,
      clipMask,
      classOfOneHot,
      castThereAndBack,
      functionOfPool(pools),
      stretchLast,
      numberToSmaller,
      sumOfCentred,
      simplify,
    ],
    [gradientOfNormalisedSoftmax, correctionOfMoments, updateInProduct, addIntoProduct, simplify],
    [gatherNumbers, simplify],
    // Last: other rules look for sums.
    [sumOfRows],
  ];
  const rewritten = rounds.reduce((before, rules) => removeDeadCode(rewrite(before, numbers, firstOf(rules))), graph);
  return hoistInside(rewritten);
}

/**
 * What onnxruntime's own search would find in a graph that trains, which is then left out when the graph is opened: the same file is
 * computed in the same way by all its versions.
 */
export function fuse(graph: Graph, numbers: ValueNumbers): Graph {
  return removeDeadCode(rewrite(graph, numbers, firstOf([fuseFactor, fuseOperands, fuseRelu])));
}
