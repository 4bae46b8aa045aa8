import { roundsOf, sizeOf, type JobEvent, type JobSpec, type Tensor } from "@stampede/core";
import { limitsOf } from "./limits.js";

/**
 * The event that begins a run.
 * @param parameters of the model: all numbers in its weights
 */
export function submittedEvent(
  spec: JobSpec,
  parameters: number,
  resumed: boolean,
): Extract<JobEvent, { event: "job.submitted" }> {
  const { job, name, kind, engine, engineReason, partitions: executors } = spec;
  const rounds = kind === "train" ? roundsOf(spec) : 0;
  const reason = engineReason === undefined ? {} : { engineReason };
  const limits = limitsOf(spec.training);
  return { event: "job.submitted", job, name, kind, engine, ...reason, executors, rounds, parameters, resumed, limits };
}

/** How many numbers there are in a job's weights. */
export function parametersIn(tensors: Iterable<readonly [name: string, tensor: Pick<Tensor, "shape">]>): number {
  let count = 0;
  // An optimizer's state lies beside the weights under names that begin with two slashes.
  for (const [name, { shape }] of tensors) count += name.startsWith("//") ? 0 : sizeOf(shape);
  return count;
}
