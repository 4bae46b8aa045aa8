import { onnxTypes } from "./data-types.js";
import { MessageWriter } from "./wire.js";

/** The operators of onnxruntime's blocked kernels. Files that use them load only where onnxruntime has these kernels. */
export const blockedDomain = "com.microsoft.nchwc";

/**
 * A model that tells the block of a processor: it puts `x` [1, 4, 1, 1] into blocks, and `y` is [1, block, 1, 1]. Where onnxruntime has no
 * blocked kernels it does not load. Written by hand, because executors load nothing of what makes graphs.
 */
export function blockProbe(): Uint8Array<ArrayBuffer> {
  const node = new MessageWriter().text(1, "x").text(2, "y").text(4, "ReorderInput").text(7, blockedDomain);
  const graph = new MessageWriter().message(1, node).text(2, "probe");
  graph.message(11, valueInfo("x", [1, 4, 1, 1])).message(12, valueInfo("y", [1, "K", 1, 1]));
  const model = new MessageWriter().integer(1, 8).text(2, "stampede").message(7, graph);
  for (const [domain, version] of [
    ["", 17],
    [blockedDomain, 1],
  ] as const) {
    model.message(8, new MessageWriter().text(1, domain).integer(2, version));
  }
  return model.finish();
}

function valueInfo(name: string, shape: readonly (number | string)[]): MessageWriter {
  const dimensions = new MessageWriter();
  for (const extent of shape) {
    const dimension = new MessageWriter();
    dimensions.message(1, typeof extent === "number" ? dimension.integer(1, extent) : dimension.text(2, extent));
  }
  const type = new MessageWriter().integer(1, onnxTypes.float32).message(2, dimensions);
  return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, type));
}
