import {
  makeJobId,
  resolveMetrics,
  type EngineName,
  type Field,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import type { DefinedModel } from "@stampede/runtime";
import { parametersIn, submitJob, submittedEvent, type Graphs } from "@stampede/training";
import { planInferenceJob } from "@stampede/training/prepare";
import { shardForInference } from "./shard.js";
import { systemClock, systemUnique } from "@stampede/local/folder";
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

const defaultExecutors = 2;

/** Runs an evaluate or predict job to its end. */
export async function runInference(
  kind: "evaluate" | "predict",
  plan: InferencePlan,
  cluster: Cluster,
): Promise<FinishedInference> {
  const { model, signal } = plan;
  const tell = teller(cluster, plan.tell);
  const store = await cluster.open();
  cluster.warm(plan.engine);
  const createdAt = systemClock.now();
  const job = makeJobId(`${kind}-${plan.name}`, createdAt, systemUnique.hex(6));
  const sharded = await shardForInference(kind, plan, plan.executors ?? defaultExecutors, {
    job,
    cluster,
    store,
    tell,
    signal,
  });
  const { name, engine, graphs, fields } = plan;
  const { capacity } = cluster;
  const order = { job, name, kind, createdAt, engine, capacity };
  const { spec, parts } = await planInferenceJob(order, { model, graphs, fields }, sharded, store);
  await submitJob(spec, parts, { store, clock: systemClock, unique: systemUnique });
  tell(submittedEvent(spec, parametersIn(parts.weights), false));
  const result = await runToEnd(cluster, job, { resumed: false, tell, signal });
  return { spec, result, store };
}

export async function evaluateData(plan: InferencePlan, cluster: Cluster): Promise<Record<string, number>> {
  const { result } = await runInference("evaluate", plan, cluster);
  return resolveMetrics(result.metrics);
}
