import { bytesOf, layoutOf, slicesOf, type JobSpec, type NamedTensors } from "@stampede/core";

/**
 * A spec as it is stored: it says in how many slices rounds are averaged, where that is more than one. One that says it already keeps it.
 * @param weights that the job begins with
 */
export function withSlices(spec: JobSpec, weights: NamedTensors): JobSpec {
  if (spec.kind !== "train" || spec.slices !== undefined) return spec;
  const slices = slicesOf({ partitions: spec.partitions, weightBytes: bytesOf(layoutOf(weights)) });
  return slices === 1 ? spec : { ...spec, slices };
}
