import { bytesOf, layoutOf, slicingOf, type JobSpec, type NamedTensors } from "@stampede/core";

/** A spec as it is stored: it says how rounds are averaged, where several functions do it. One that says it already keeps it. */
export function withSlicing(spec: JobSpec, weights: NamedTensors): JobSpec {
  if (spec.kind !== "train" || spec.slices !== undefined || spec.parts !== undefined) return spec;
  const slicing = slicingOf({ partitions: spec.partitions, weightBytes: bytesOf(layoutOf(weights)) });
  return slicing.parts === 1 ? spec : { ...spec, ...slicing };
}
