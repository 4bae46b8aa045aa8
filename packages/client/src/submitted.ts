import { roundsOf, sizeOf, type JobEvent, type JobSpec, type NamedTensors } from "@stampede/core";
import { limitsOf } from "./limits.js";

/** The event that begins a run. */
export function submittedEvent(
  spec: JobSpec,
  weights: NamedTensors,
  resumed: boolean,
): Extract<JobEvent, { event: "job.submitted" }> {
  const { job, name, kind, engine, engineReason, partitions: executors } = spec;
  const parameters = [...weights.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const rounds = kind === "train" ? roundsOf(spec) : 0;
  const reason = engineReason === undefined ? {} : { engineReason };
  const limits = limitsOf(spec.training);
  return { event: "job.submitted", job, name, kind, engine, ...reason, executors, rounds, parameters, resumed, limits };
}
