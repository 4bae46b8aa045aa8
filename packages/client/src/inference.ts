import {
  JobSpec,
  keys,
  makeJobId,
  resolveMetrics,
  sizeOf,
  StampedeError,
  TrainingSettings,
  type EngineName,
  type Field,
  type JobResult,
  type ObjectStore,
  type Tensor,
} from "@stampede/core";
import { decodePredictions } from "@stampede/data";
import type { DefinedModel } from "@stampede/runtime";
import {
  checkFit,
  checkMemory,
  inferenceBatchSize,
  parametersIn,
  submitJob,
  submittedEvent,
  type Graphs,
} from "@stampede/training";
import { largestPartition, planInference } from "@stampede/training/prepare";
import { planSaved } from "./saved-graphs.js";
import { shardForInference } from "./shard.js";
import { systemClock, systemUnique } from "@stampede/local";
import { runToEnd, teller, type Tell } from "./training-run.js";
import type { Cluster, DatasetInput } from "./types.js";

/** A model and the data that it is to evaluate or predict. */
export interface InferencePlan {
  readonly name: string;
  readonly model: DefinedModel;
  /** Those that were saved with the model, for the fields below. */
  readonly graphs?: Graphs | undefined;
  readonly data: DatasetInput;
  /** How the training data was prepared; without it the data speaks for itself. */
  readonly fields: readonly Field[] | undefined;
  readonly engine: EngineName | undefined;
  /** @default 2 */
  readonly executors: number | undefined;
  readonly baseFolder: string;
  readonly tell: Tell | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface FinishedInference {
  readonly spec: JobSpec;
  readonly result: JobResult;
  readonly store: ObjectStore;
}

/** Runs an evaluate or predict job to its end. */
export async function runInference(
  kind: "evaluate" | "predict",
  plan: InferencePlan,
  cluster: Cluster,
): Promise<FinishedInference> {
  const { model, signal } = plan;
  const { definition, weights } = model;
  const tell = teller(cluster, plan.tell);
  const store = await cluster.open();
  cluster.warm(plan.engine);
  const createdAt = systemClock.now();
  const job = makeJobId(`${kind}-${plan.name}`, createdAt, systemUnique.hex(6));
  const training = TrainingSettings.parse(plan.executors === undefined ? {} : { executors: plan.executors });
  const sharded = await shardForInference(kind, plan, training.executors, { job, cluster, store, tell, signal });
  const { fields, parts } = sharded.manifest;
  checkFit(definition, fields, kind === "evaluate");
  const { capacity } = cluster;
  const need = { kind, model: definition, weights, batchSize: inferenceBatchSize } as const;
  checkMemory({ ...need, partitionBytes: largestPartition(sharded) }, capacity.memoryBytes);
  const engine = { model, wanted: plan.engine, data: sharded, capacity, store };
  const { facts, graphs } = planSaved(kind, plan, sharded, capacity) ?? (await planInference(kind, engine));
  const spec = JobSpec.parse({
    version: 1,
    job,
    name: plan.name,
    kind,
    createdAt,
    ...facts,
    model: definition,
    dataset: sharded.id,
    partitions: parts.length,
    partitionRows: parts.map(({ rows }) => rows),
    training,
  });
  await submitJob(spec, { weights, graphs }, { store, clock: systemClock, unique: systemUnique });
  tell(submittedEvent(spec, parametersIn(weights), false));
  const result = await runToEnd(cluster, job, { resumed: false, tell, signal });
  return { spec, result, store };
}

export async function evaluateData(plan: InferencePlan, cluster: Cluster): Promise<Record<string, number>> {
  const { result } = await runInference("evaluate", plan, cluster);
  return resolveMetrics(result.metrics);
}

/** The predictions of every row in the order of the data: one float32 tensor of shape [rows, ...] for each output. */
export async function readPredictions({ spec, store }: FinishedInference): Promise<readonly Tensor[]> {
  const rows = spec.partitionRows.reduce((sum, count) => sum + count, 0);
  const joined = new Map<number, JoinedOutput>();
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    const key = keys.output(spec.job, { kind: "predict", round: 0 }, partition);
    const object = await store.get(key);
    if (object === undefined) throw missingOutput(key);
    const { firstRow, outputs } = decodePredictions(object.body, key);
    for (const [index, { shape, data }] of outputs.entries()) {
      const rowShape = shape.slice(1);
      const width = sizeOf(rowShape);
      const output = joined.get(index) ?? { rowShape, data: new Float32Array(rows * width) };
      // Placed by the rows' own numbers, so that no prediction can be taken for another row's.
      output.data.set(data, firstRow * width);
      joined.set(index, output);
    }
  }
  return [...joined.values()].map(({ rowShape, data }) => ({ dtype: "float32", shape: [rows, ...rowShape], data }));
}

interface JoinedOutput {
  readonly rowShape: readonly number[];
  readonly data: Float32Array;
}

function missingOutput(key: string): StampedeError {
  return new StampedeError("store.missing", `Expected predictions in ${key}, found none.`, { details: { key } });
}
