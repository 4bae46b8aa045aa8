import { StampedeError } from "@stampede/core";

export type UntraceableReason =
  /** tfjs kernel without a lowering, or one of its options. */
  | "kernel"
  /** Code that looks at values, which a trace does not have. */
  | "data-dependent"
  /** A random operation that cannot be replayed. */
  | "random"
  /** A recurrent layer that goes on from one batch to the next. */
  | "stateful"
  /** The learning rate would be baked in. */
  | "learning-rate"
  /** Something that depends on the batch size in an unforeseen way. */
  | "batch-size"
  /** tfjs or the user's code threw. */
  | "failed";

/** Why a model cannot be compiled; the message names the layer and the kernel. */
export function untraceable(
  reason: UntraceableReason,
  found: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): StampedeError {
  const message = `Expected a model that can be compiled, found ${found}. The compiled engine cannot run it.`;
  return new StampedeError("model.not-traceable", message, { details: { reason, ...details }, cause });
}
