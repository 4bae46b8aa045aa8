import {
  isStampedeError,
  StampedeError,
  tensorOf,
  type EngineName,
  type ExecutorCapacity,
  type Field,
  type JobSpec,
  type ObjectStore,
  type PartitionData,
} from "@stampede/core";
import { loadPartition, type ShardedSet } from "@stampede/data";
import { planEngine, type DefinedModel, type EnginePlan, type EnginePlanRequest } from "@stampede/runtime";
import { graphClaimsOf, type Graphs } from "../driver/submit.js";
import { storedPlans } from "./graph-cache.js";

/** What runs a job: what its spec says of it, and the graphs that are stored with it. */
export interface JobEngine {
  readonly facts: Pick<JobSpec, "engine" | "engineReason" | "compute" | "graphs">;
  readonly graphs: Graphs | undefined;
}

interface PlanFor {
  readonly model: DefinedModel;
  readonly wanted: EngineName | undefined;
  readonly data: ShardedSet;
  readonly capacity: ExecutorCapacity;
  readonly store: ObjectStore;
}

/**
 * The engine of a job that trains, with a graph for every size of batch that occurs.
 * @throws StampedeError as `planEngine`
 */
export async function planTraining(
  plan: PlanFor & {
    readonly batchSize: number;
    readonly validation: ShardedSet | undefined;
    /** See `TrainingSettings`. */
    readonly portable?: boolean | undefined;
  },
): Promise<JobEngine> {
  const { data, validation, batchSize, model, store } = plan;
  const { fields } = data.manifest;
  const common = commonRequest(plan);
  const validates = validation !== undefined && sameFields(validation.manifest.fields, fields);
  // A set is as good as another with the same fields: the smaller one is read sooner.
  const sampleRows = await sampleOf(store, validates && validation.bytes < data.bytes ? validation : data);
  const batchSizes = batchSizesOf(
    data.manifest.parts.map(({ rows }) => rows),
    batchSize,
  );
  const { weights } = model;
  const { portable } = plan;
  const training = { purpose: "train", fields, batchSizes, validates, sampleRows, weights, portable } as const;
  const first = await planOrExplain(plan, { ...common, ...training });
  if (first.engine !== "compiled") return engineOf(first);
  const later: Partial<EnginePlanRequest>[] = [];
  // Rows of the validation data may be stored as other numbers, and then have a graph of their own.
  if (validation !== undefined && !validates) later.push({ purpose: "evaluate", fields: validation.manifest.fields });
  // Only where the model is defined can it be compiled: the saved model needs these, see ModelNotes.
  if (model.requiresCompiled !== undefined) {
    later.push({ purpose: "predict", fields });
    if (validation === undefined) later.push({ purpose: "evaluate", fields });
  }
  const graphs = new Map(first.graphs);
  for (const each of later) {
    const more = await planEngine({ ...common, purpose: "predict", fields, ...each, wanted: "compiled" });
    if (more.engine === "compiled") for (const [name, bytes] of more.graphs) graphs.set(name, bytes);
  }
  return engineOf({ ...first, graphs });
}

/** @throws StampedeError as `planEngine` */
export async function planInference(purpose: "evaluate" | "predict", plan: PlanFor): Promise<JobEngine> {
  const { fields } = plan.data.manifest;
  return engineOf(await planOrExplain(plan, { ...commonRequest(plan), purpose, fields }));
}

/** Where only the compiled engine can run the model and cannot compile it, both are said. */
async function planOrExplain({ model, wanted }: PlanFor, request: EnginePlanRequest): Promise<EnginePlan> {
  const { requiresCompiled } = model;
  if (requiresCompiled === undefined || wanted !== undefined) return planEngine(request);
  try {
    return await planEngine({ ...request, wanted: "compiled" });
  } catch (error) {
    if (!isStampedeError(error) || error.code !== "model.not-traceable") throw error;
    const message = `${error.message} No tfjs engine can run it either: ${requiresCompiled}.`;
    throw new StampedeError(error.code, message, { details: error.details, cause: error });
  }
}

/** With graphs that were compiled where the model was defined. */
export function engineOf(plan: EnginePlan): JobEngine {
  if (plan.engine === "compiled") {
    const { engine, compute, graphs } = plan;
    return { facts: { engine, ...reasonOf(plan), compute, graphs: graphClaimsOf(graphs) }, graphs };
  }
  return { facts: { engine: plan.engine, ...reasonOf(plan) }, graphs: undefined };
}

/** The sizes of batches that occur: the whole ones first, then those of partitions that end with a shorter one. */
function batchSizesOf(partitionRows: readonly number[], batchSize: number): readonly number[] {
  const whole = partitionRows.some((rows) => rows >= batchSize) ? [batchSize] : [];
  const rests = partitionRows.map((rows) => rows % batchSize).filter((rows) => rows > 0);
  return [...whole, ...new Set(rests.toSorted((a, b) => b - a))];
}

/** What a graph depends on, as far as it can differ between data sets that were prepared alike. */
export function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  const text = (fields: readonly Field[]): string =>
    JSON.stringify(fields.map(({ storage, storedShape, shape, encoding }) => [storage, storedShape, shape, encoding]));
  return text(a) === text(b);
}

/** As in the schema of the spec. */
const maxReasonLength = 10_000;

function reasonOf({ reason }: EnginePlan): Pick<JobSpec, "engineReason"> {
  return reason === undefined ? {} : { engineReason: cut(reason) };
}

function cut(reason: string): string {
  return reason.length <= maxReasonLength ? reason : `${reason.slice(0, maxReasonLength - 3)}...`;
}

type Common = Omit<EnginePlanRequest, "purpose" | "fields">;

function commonRequest({ model, wanted, data, capacity, store }: PlanFor): Common {
  const { definition, custom } = model;
  const executors = Math.min(capacity.executors, data.manifest.parts.length);
  const cache = storedPlans(store);
  const { cores, blocks } = capacity;
  return { definition, custom, wanted, cores, executors, cache, blocks };
}

/** Enough for a check of the graph. */
const sampledRows = 8;
/** A partition is read and checked whole; larger ones are not worth the wait. */
const maxSampledBytes = 256 * 2 ** 20;

/** The first rows of the first partition. */
async function sampleOf(store: ObjectStore, { manifest }: ShardedSet): Promise<PartitionData | undefined> {
  const [part] = manifest.parts;
  if (part === undefined || part.rows === 0 || part.bytes > maxSampledBytes) return undefined;
  const { rows: all, fields } = await loadPartition(store, manifest, 0);
  const rows = Math.min(all, sampledRows);
  return {
    rows,
    fields: fields.map(({ field, tensor: { shape, data } }) => {
      const head = data.subarray(0, (data.length / all) * rows);
      return { field, tensor: tensorOf(head, [rows, ...shape.slice(1)]) };
    }),
  };
}
