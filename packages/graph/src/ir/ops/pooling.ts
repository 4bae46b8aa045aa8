import type { GraphBuilder } from "../builder.js";
import type { Value } from "../types.js";

/** Along one spatial dimension. */
export interface PoolAxis {
  readonly size: number;
  readonly stride: number;
  /** Elements around the input that do not exist, in front and at the end. */
  readonly pads: readonly [number, number];
}

/**
 * ONNX' pooling; what does not exist takes no part in it.
 * @param x [batch, channels, ...spatial]
 * @returns [batch, channels, ...result], where result = floor((spatial + pads - size) / stride) + 1
 */
export function pool(g: GraphBuilder, op: "MaxPool" | "AveragePool", x: Value, axes: readonly PoolAxis[]): Value {
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const result = axes.map(({ size, stride, pads }, index) => {
    return Math.floor(((spatial[index] ?? 0) + pads[0] + pads[1] - size) / stride) + 1;
  });
  const attributes = {
    kernel_shape: axes.map(({ size }) => size),
    strides: axes.map(({ stride }) => stride),
    pads: [...axes.map(({ pads }) => pads[0]), ...axes.map(({ pads }) => pads[1])],
    ...(op === "AveragePool" && { count_include_pad: 0 }),
  };
  return g.node(op, [x], { dtype: x.dtype, shape: [batch, channels, ...result] }, { attributes });
}
