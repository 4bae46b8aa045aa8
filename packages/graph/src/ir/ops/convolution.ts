import type { GraphBuilder } from "../builder.js";
import type { Value } from "../types.js";

/** Along one spatial dimension. */
export interface ConvAxis {
  readonly stride: number;
  readonly dilation: number;
  /** Zeros around the input, in front and at the end. */
  readonly pads: readonly [number, number];
}

/**
 * ONNX' convolution of channels in groups.
 * @param x [batch, channels, ...spatial]
 * @param filter [filters, channels / group, ...size]
 * @returns [batch, filters, ...result], where result = floor((spatial + pads - (size - 1) * dilation - 1) / stride) + 1
 */
export function conv(g: GraphBuilder, x: Value, filter: Value, axes: readonly ConvAxis[], group: number): Value {
  const [batch = 0, , ...spatial] = x.shape;
  const [filters = 0, , ...size] = filter.shape;
  const result = axes.map(({ stride, dilation, pads }, index) => {
    const free = (spatial[index] ?? 0) + pads[0] + pads[1] - ((size[index] ?? 0) - 1) * dilation - 1;
    return Math.floor(free / stride) + 1;
  });
  const attributes = { group, ...attributesOf(size, axes, (axis) => axis.pads) };
  return g.node("Conv", [x, filter], { dtype: x.dtype, shape: [batch, filters, ...result] }, { attributes });
}

/** Along one spatial dimension. */
export interface TransposedAxis {
  readonly stride: number;
  readonly dilation: number;
  /** Elements of the full result that are left out in front and at the end. */
  readonly cut: readonly [number, number];
  /** Zeros that are added at the end; less than `stride`. */
  readonly extra: number;
}

/**
 * The transposed convolution: every element of `x` times the filter, put where the window of that element lies, and added up.
 * @param x [batch, channels, ...spatial]
 * @param filter [channels, resultChannels / group, ...size]
 * @returns [batch, resultChannels, ...result], where result = (spatial - 1) * stride + (size - 1) * dilation + 1 - cut + extra
 */
export function convTranspose(
  g: GraphBuilder,
  x: Value,
  filter: Value,
  axes: readonly TransposedAxis[],
  group = 1,
): Value {
  const [batch = 0, , ...spatial] = x.shape;
  const [, channels = 0, ...size] = filter.shape;
  const result = axes.map(({ stride, dilation, cut, extra }, index) => {
    const full = ((spatial[index] ?? 0) - 1) * stride + ((size[index] ?? 0) - 1) * dilation + 1;
    return full - cut[0] - cut[1] + extra;
  });
  const output_padding = axes.map(({ extra }) => extra);
  const attributes = { group, output_padding, ...attributesOf(size, axes, ({ cut }) => cut) };
  const shape = [batch, channels * group, ...result];
  return g.node("ConvTranspose", [x, filter], { dtype: x.dtype, shape }, { attributes });
}

function attributesOf<Axis extends { readonly stride: number; readonly dilation: number }>(
  size: readonly number[],
  axes: readonly Axis[],
  padsOf: (axis: Axis) => readonly [number, number],
): Record<string, readonly number[]> {
  return {
    kernel_shape: size,
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...axes.map((axis) => padsOf(axis)[0]), ...axes.map((axis) => padsOf(axis)[1])],
  };
}
