import {
  StampedeError,
  tensorOf,
  type Engine,
  type EngineSession,
  type MetricStates,
  type NamedTensors,
  type PartitionData,
  type RowRange,
  type Tensor,
  type TrainOutcome,
  type TrainRequest,
} from "@stampede/core";

const learningRate = 0.05;
const momentum = 0.5;

/**
 * A real engine for one model only: linear regression with momentum, trained in float32 one sample at a time. It takes
 * microseconds where tfjs takes milliseconds, and its results can be recomputed by hand; so the system around it can be
 * tested by the thousand.
 */
export const tinyEngine: Engine = {
  name: "tfjs-cpu",
  open: () => Promise.resolve(new TinySession()),
};

class TinySession implements EngineSession {
  #weights = new Float32Array();
  #velocity = new Float32Array();

  load(weights: NamedTensors, optimizer?: NamedTensors): Promise<void> {
    const loaded = weights.get("w")?.data;
    if (weights.size !== 1 || !(loaded instanceof Float32Array)) {
      throw new StampedeError("training.incompatible-delta", `Expected one float32 tensor "w", found ${weights.size}.`);
    }
    this.#weights = Float32Array.from(loaded);
    const velocity = optimizer?.get("velocity")?.data;
    this.#velocity = velocity === undefined ? new Float32Array(loaded.length) : Float32Array.from(velocity);
    return Promise.resolve();
  }

  train({ data, order, batchSize, fromBatch, toBatch }: TrainRequest): Promise<TrainOutcome> {
    const batches: MetricStates[] = [];
    let examples = 0;
    for (let batch = fromBatch; batch < toBatch; batch += 1) {
      const rows = order.subarray(batch * batchSize, (batch + 1) * batchSize);
      let loss = 0;
      for (const row of rows) loss += this.#step(data, row);
      if (!Number.isFinite(loss)) {
        throw new StampedeError("training.non-finite", `the loss of batch ${batch} became ${loss}`);
      }
      batches.push({ loss: { kind: "mean", sums: [loss, rows.length] } });
      examples += rows.length;
    }
    return Promise.resolve({ examples, batches });
  }

  evaluate({ data, fromRow, toRow }: RowRange): Promise<MetricStates> {
    let loss = 0;
    for (let row = fromRow; row < toRow; row += 1) loss += this.#error(data, row) ** 2;
    return Promise.resolve({ loss: { kind: "mean", sums: [loss, toRow - fromRow] } });
  }

  predict({ data, fromRow, toRow }: RowRange): Promise<readonly Tensor[]> {
    const rows = Array.from({ length: toRow - fromRow }, (_, index) => this.#output(data, fromRow + index));
    return Promise.resolve([tensorOf(Float32Array.from(rows), [rows.length, 1])]);
  }

  save(): Promise<{ weights: NamedTensors; optimizer: NamedTensors }> {
    const copyOf = (values: Float32Array): Tensor => tensorOf(Float32Array.from(values), [values.length]);
    return Promise.resolve({
      weights: new Map([["w", copyOf(this.#weights)]]),
      optimizer: new Map([["velocity", copyOf(this.#velocity)]]),
    });
  }

  close(): void {
    this.#weights = new Float32Array();
    this.#velocity = new Float32Array();
  }

  #step(data: PartitionData, row: number): number {
    const error = this.#error(data, row);
    const features = featuresOf(data);
    const width = this.#weights.length;
    for (let i = 0; i < width; i += 1) {
      const gradient = error * (features[row * width + i] ?? 0);
      this.#velocity[i] = momentum * (this.#velocity[i] ?? 0) + gradient;
      this.#weights[i] = (this.#weights[i] ?? 0) - learningRate * (this.#velocity[i] ?? 0);
    }
    return error ** 2;
  }

  #output(data: PartitionData, row: number): number {
    const features = featuresOf(data);
    const width = this.#weights.length;
    return this.#weights.reduce((sum, weight, i) => sum + weight * (features[row * width + i] ?? 0), 0);
  }

  #error(data: PartitionData, row: number): number {
    return this.#output(data, row) - (data.fields[1]?.tensor.data[row] ?? 0);
  }
}

function featuresOf(data: PartitionData): Tensor["data"] {
  return data.fields[0]?.tensor.data ?? new Float32Array();
}
