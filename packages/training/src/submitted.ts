import { roundsOf, sizeOf, type JobEvent, type JobSpec, type KernelKind, type Tensor } from "@stampede/core";
import { limitsOf } from "./limits.js";

/**
 * The event that begins a run.
 * @param parameters of the model: all numbers in its weights
 * @param blocks of the kernels that trained the rounds before
 */
export function submittedEvent(
  spec: JobSpec,
  parameters: number,
  resumed: boolean,
  blocks: readonly KernelKind[] = [],
): Extract<JobEvent, { event: "job.submitted" }> {
  const { job, name, kind, engine, engineReason, partitions: executors } = spec;
  const rounds = kind === "train" ? roundsOf(spec) : 0;
  const reason = engineReason === undefined ? {} : { engineReason };
  const limits = limitsOf(spec.training);
  const known = blocks.length === 0 ? {} : { blocks: [...blocks] };
  const size = { executors, rounds, parameters };
  return { event: "job.submitted", job, name, kind, engine, ...reason, ...size, resumed, ...known, limits };
}

/** How many numbers there are in a job's weights. */
export function parametersIn(tensors: Iterable<readonly [name: string, tensor: Pick<Tensor, "shape">]>): number {
  let count = 0;
  // An optimizer's state lies beside the weights under names that begin with two slashes.
  for (const [name, { shape }] of tensors) count += name.startsWith("//") ? 0 : sizeOf(shape);
  return count;
}
