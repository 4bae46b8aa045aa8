import { DatasetId, JobSpec, parseJobId, type TrainingSettings } from "@stampede/core";

/** A training job spec with small defaults; `partitionRows` sets the number of executors. */
export function makeJobSpec(
  overrides: Partial<Omit<JobSpec, "training">> & { readonly training?: Partial<TrainingSettings> } = {},
): JobSpec {
  const { training, ...rest } = overrides;
  const partitionRows = rest.partitionRows ?? [100, 100];
  return JobSpec.parse({
    version: 1,
    job: parseJobId("job-1"),
    name: "job",
    kind: "train",
    createdAt: 0,
    engine: "tfjs-cpu",
    model: {
      format: "tfjs-layers",
      topology: {},
      training: { optimizer_config: { class_name: "SGD", config: { learning_rate: 0.1 } }, loss: "mean_squared_error" },
      inputs: [{ name: "input", shape: [4] }],
      outputs: [{ name: "output", shape: [1] }],
    },
    dataset: DatasetId.parse("a".repeat(64)),
    partitions: partitionRows.length,
    ...rest,
    partitionRows,
    training: { executors: partitionRows.length, epochs: 2, batchSize: 32, ...training },
  });
}
