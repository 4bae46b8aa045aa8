import type { JobEvent, JobId, ObjectStore } from "@stampede/core";
import { shardDataset } from "@stampede/data";
import type { CommonDeps, WantedJob } from "@stampede/training";
import type { PrepareDeps } from "@stampede/training/prepare";

/** The topology of a small model as tfjs writes it, without its weights and without how it is compiled. */
export function denseTopology(units = 4): Record<string, unknown> {
  const layer = (name: string, config: Record<string, unknown>): Record<string, unknown> => ({
    class_name: "Dense",
    config: { name, trainable: true, dtype: "float32", use_bias: true, ...config },
  });
  return {
    class_name: "Sequential",
    config: {
      name: "small",
      layers: [
        layer("hidden", { units, activation: "tanh", batch_input_shape: [null, 2] }),
        layer("out", { units: 1, activation: "linear" }),
      ],
    },
    keras_version: "tfjs-layers 4.22.0",
    backend: "tensor_flow.js",
  };
}

export const modelJson = (topology: unknown = denseTopology()): Record<string, unknown> => ({
  format: "layers-model",
  modelTopology: topology,
});

/** A job on a CSV file with the columns a, b and y. */
export function wantedJob(file: string, change: Partial<WantedJob> = {}): WantedJob {
  return {
    name: "small",
    model: modelJson(),
    compile: { optimizer: { name: "adam", learningRate: 0.05 }, loss: "meanSquaredError", metrics: ["mae"] },
    data: {
      train: { format: "csv", file, features: { columns: ["a", "b"], standardize: true }, labels: { column: "y" } },
      validationSplit: 0.2,
    },
    training: { executors: 2, epochs: 2, batchSize: 4, seed: 11 },
    capacity: { cores: 1, executors: 1, memoryBytes: 2 ** 31 },
    ...change,
  };
}

/** A line is `a,b,y`. */
export function linearCsv(rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const [a, b] = [(row * 7) % 13, (row * 5) % 11];
    return `${a},${b},${a - 2 * b}`;
  });
  return `a,b,y\n${lines.join("\n")}\n`;
}

export interface Desk {
  readonly deps: PrepareDeps;
  /** What was sent to the driver, as JSON. */
  readonly sent: string[];
  readonly events: JobEvent[];
}

/**
 * Who prepares jobs: data sets are sharded where they are asked for.
 * @param now what the clock says
 */
export function deskOf(store: ObjectStore, now: () => number = () => 1_000_000): Desk {
  const sent: string[] = [];
  const events: JobEvent[] = [];
  let made = 0;
  const send = (body: string): Promise<void> => {
    sent.push(body);
    return Promise.resolve();
  };
  const common: CommonDeps = {
    store,
    queues: { driver: { send }, deltas: { send } },
    clock: { now },
    unique: { hex: (digits) => (made++).toString(16).padStart(digits, "0") },
    events: { emit: (event) => void events.push(event) },
  };
  const requestDataset = (job: JobId, wish: Parameters<PrepareDeps["requestDataset"]>[1]) =>
    shardDataset(wish, { store, job });
  return { deps: { ...common, requestDataset }, sent, events };
}
