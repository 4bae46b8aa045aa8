import { GraphBuilder } from "../ir/builder.js";
import { encodeModel } from "../ir/encode.js";
import { blockedDomain } from "./operators.js";

/**
 * A model that tells the block of a processor: it puts `x` [1, 4, 1, 1] into blocks, and `y` is [1, block, 1, 1]. Where onnxruntime has no
 * blocked kernels it does not load.
 */
export function blockProbe(): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder();
  const x = g.input("x", "float32", [1, 4, 1, 1]);
  const open = { dtype: "float32", shape: [1, 1, 1, 1] } as const;
  const y = g.node("ReorderInput", [x], open, { domain: blockedDomain });
  // Whatever the block is.
  const openDimensions = new Map([["y", [undefined, "K", undefined, undefined]]]);
  return encodeModel(g.finish([{ name: "y", value: y }]), { name: "probe", openDimensions });
}
