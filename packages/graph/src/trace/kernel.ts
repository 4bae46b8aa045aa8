import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import type { Value } from "../ir/types.js";

/** One call of a tfjs kernel, with graph values in place of tensors. */
export interface KernelCall<Attributes = unknown> {
  readonly g: GraphBuilder;
  readonly attrs: Attributes;
  /** @throws Error when the kernel was given no such input */
  readonly input: (name: string) => Value;
  readonly optional: (name: string) => Value | undefined;
  /** Of kernels that take a list, such as AddN and Concat. */
  readonly list: readonly Value[];
}

/** Lowers a kernel to graph nodes. tfjs dtypes keep their names: float32, int32, bool. */
export type KernelFunction = (call: KernelCall) => Value | readonly Value[];
export type KernelTable = Readonly<Record<string, KernelFunction>>;

/**
 * A lowering with the attributes that tfjs gives to this kernel.
 * @typeParam Attributes tfjs' own type, such as `Tf.CastAttrs`
 */
export function kernel<Attributes>(lower: (call: KernelCall<Attributes>) => Value | readonly Value[]): KernelFunction {
  // tfjs pairs kernels with their attributes by name alone, so nothing could check this.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (call) => lower(call as KernelCall<Attributes>);
}

export type KernelInputs = Readonly<Record<string, TensorInfo | undefined>> | readonly TensorInfo[];
