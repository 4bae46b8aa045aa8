import type * as Tf from "@tensorflow/tfjs-core";
import type { Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { activeRecording, infoOf } from "../trace/backend.js";
import { Handle } from "../trace/handle.js";

/** A tensor for tfjs code that is traced, which stands for a graph value. */
export function tensorOf(value: Value): Tf.Tensor {
  return loadCore()
    .engine()
    .makeTensorFromTensorInfo(infoOf(new Handle(value)));
}

/** The graph value behind a tensor of a trace. */
export function valueOf(tensor: Tf.Tensor): Value {
  return activeRecording().valueOf(tensor.dataId);
}
