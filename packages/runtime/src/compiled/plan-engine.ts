import {
  graphNameOf,
  deriveKey,
  isForBlock,
  isStampedeError,
  StampedeError,
  type Block,
  type Compute,
  type EngineName,
  type Field,
  type GraphName,
  type GraphRequest,
  type ModelDefinition,
  type NamedTensors,
  type PartitionData,
} from "@stampede/core";
import type { CompiledGraph } from "@stampede/graph";
import type { GraphManifest } from "@stampede/graph/format";
import type { CustomFunctions } from "../config/custom.js";
import type { TfjsEngineName } from "../engine/backend.js";
import { bestTfjsEngine, chooseEngine } from "../engine/choose-engine.js";
import { assemble } from "../model/build-model.js";
import { whyOnlyCompiled } from "../model/only-compiled.js";
import { readWeights } from "../model/weights.js";
import { chooseCompute } from "./choose-compute.js";
import { createGraphCompiler } from "./create-compiler.js";
import { blockOf } from "./block.js";
import type { GraphCompiler } from "./graph-compiler.js";
import { planKey, type CompiledPlan, type PlanCache } from "./plan-cache.js";
import { selfCheckRows } from "./self-check.js";
import type { Verdict } from "./verify-graph.js";

/** Of jobs that do not train. */
const usualBatchSize = 32;

/** What a job is going to need. */
export interface EnginePlanRequest {
  readonly definition: ModelDefinition;
  /** The user's own losses and metrics, as `defineModel` returned them. */
  readonly custom?: CustomFunctions | undefined;
  /** What the user asked for; left out to let Stampede choose. */
  readonly wanted?: EngineName | undefined;
  readonly purpose: "train" | "evaluate" | "predict";
  /** Of the data set: features in the order of the model's inputs, labels in that of its outputs. Predicting needs no labels. */
  readonly fields: readonly Field[];
  /** To train: the batch size first, then those of short last batches that occur. */
  readonly batchSizes?: readonly number[] | undefined;
  /** Whether a job that trains evaluates as well. */
  readonly validates?: boolean | undefined;
  /** A few real rows (8 are enough), with which training is checked against tfjs; without them it is not checked. */
  readonly sampleRows?: PartitionData | undefined;
  /** The job's initial weights, for that check; by default they are drawn by the layers' initializers. */
  readonly weights?: NamedTensors | undefined;
  /** Processor cores of the machine that the executors share, and how many of them run there at a time. */
  readonly cores: number;
  readonly executors: number;
  /** Of the processors that are to have kernels of their own; by default this machine's alone. All others run what every processor runs. */
  readonly blocks?: readonly Block[] | undefined;
  /** Whether to train with what every processor has, the same kernels on all of them. @default false */
  readonly portable?: boolean | undefined;
  /** Of plans that were made before; without it the model is always compiled. */
  readonly cache?: PlanCache | undefined;
}

export type EnginePlan =
  | {
      readonly engine: "compiled";
      /** All that the job's tasks will ask for. */
      readonly graphs: ReadonlyMap<GraphName, Uint8Array>;
      readonly compute: Compute;
      /** Why kernels of this processor's own are not among them, where they computed something else than tfjs. */
      readonly reason?: string;
    }
  | {
      readonly engine: TfjsEngineName;
      /** Why it is not the compiled engine; undefined when the user asked for this one. */
      readonly reason?: string;
    };

/**
 * The engine of a job, chosen once, with everything that its executors need. The compiled engine is taken for every model that can be
 * compiled and whose graph computes what tfjs computes; for others `chooseEngine` decides, and the plan says why. Compiles with the tfjs
 * of this thread, whose backend stays as it is.
 *
 * @throws StampedeError what stood in the way (`model.not-traceable`, `engine.failed` ...) when the compiled engine is wanted and
 *   cannot be had, or when only it can run the model; otherwise as `chooseEngine`
 */
export async function planEngine(request: EnginePlanRequest): Promise<EnginePlan> {
  const { definition, wanted, purpose } = request;
  const tfjsPurpose = purpose === "train" ? "train" : "infer";
  if (wanted !== undefined && wanted !== "compiled") {
    refuseOnlyCompiled(definition, wanted);
    await chooseEngine(definition, wanted, tfjsPurpose);
    return { engine: wanted };
  }
  try {
    return await compiledPlan(request);
  } catch (error) {
    if (wanted === "compiled" || !isCompilersFault(error) || whyOnlyCompiled(definition) !== undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return { engine: await bestTfjsEngine(definition, tfjsPurpose), reason };
  }
}

/** @throws StampedeError `model.unsupported` for a model with parts of the user's own, which tfjs' executors do not have */
function refuseOnlyCompiled(definition: ModelDefinition, wanted: EngineName): void {
  const why = whyOnlyCompiled(definition);
  if (why === undefined) return;
  const message = `Expected a model that ${wanted} can run, found that ${why}. Only the compiled engine runs it. Nothing was started.`;
  throw new StampedeError("model.unsupported", message, { details: { engine: wanted } });
}

/** Whether tfjs may do better. A foreign error is a mistake of the compiler's, which the job's record then shows. */
function isCompilersFault(error: unknown): boolean {
  return !isStampedeError(error) || error.code === "model.not-traceable" || error.code === "engine.unavailable";
}

async function compiledPlan(request: EnginePlanRequest): Promise<EnginePlan> {
  const { cores, executors, cache, portable = false } = request;
  const own = await blockOf();
  const blocks = portable || request.purpose !== "train" ? [] : (request.blocks ?? (own === undefined ? [] : [own]));
  const key = planKey(request, blocks, own);
  const kept = key === undefined ? undefined : await cache?.get(key);
  const plan = kept ?? (await compileAll(request, blocks));
  if (kept === undefined && key !== undefined) await cache?.put(key, plan);
  const { graphs, flopsPerBatch, reason } = plan;
  const compute: Compute = {
    ...chooseCompute({ cores, executors, flopsPerBatch }),
    ...(portable && { portable }),
    ...([...graphs.keys()].some(isForBlock) && { selfCheckRows }),
  };
  return { engine: "compiled", graphs, compute, ...(reason !== undefined && { reason }) };
}

interface NamedGraph extends CompiledGraph {
  readonly name: GraphName;
}

async function compileAll(request: EnginePlanRequest, blocks: readonly Block[]): Promise<CompiledPlan> {
  const compiler = await createGraphCompiler(request.definition, request.custom);
  const compiled = (each: GraphRequest): NamedGraph => ({ name: graphNameOf(each), ...compiler.compile(each) });
  try {
    const requests = requestsOf(request);
    const made = blocks.flatMap((block) =>
      requests.flatMap((each) => (each.kind === "train" ? [compiled({ ...each, block })] : [])),
    );
    // Where a model has no use for blocks, these are the graphs that every processor runs.
    const variants = made.filter(({ manifest }) => manifest.block !== undefined);
    const reason = await whyNotBlocked(request, compiler, variants);
    const kept = reason === undefined ? variants : [];
    // What every processor runs is always among them: a job may be resumed on another machine.
    const graphs = [...requests.map(compiled), ...kept, ...checksOf(requests, kept).map(compiled)];
    return {
      graphs: new Map(graphs.map(({ name, bytes }) => [name, bytes])),
      flopsPerBatch: Math.max(...graphs.map(({ manifest }) => flopsOf(manifest, request))),
      ...(reason !== undefined && { reason }),
    };
  } finally {
    compiler.dispose();
  }
}

/** The small batch with which executors check kernels of their processor's own: with these and with those of every processor. */
function checksOf(requests: readonly GraphRequest[], variants: readonly NamedGraph[]): readonly GraphRequest[] {
  const [train] = requests;
  if (train?.kind !== "train" || variants.length === 0) return [];
  const blocks = [undefined, ...new Set(variants.map(({ manifest }) => manifest.block))];
  return blocks.map((block) => ({ ...train, batchSize: selfCheckRows, block }));
}

/**
 * Checks what this machine can run of a job that trains: the graph for its block, and the one that every processor runs.
 * @returns what this machine's computes that tfjs does not, where that is so: then no variant is to be used
 * @throws StampedeError `model.not-traceable` when the graph that every processor runs does not compute what tfjs does
 */
async function whyNotBlocked(
  request: EnginePlanRequest,
  compiler: GraphCompiler,
  variants: readonly NamedGraph[],
): Promise<string | undefined> {
  const [train] = requestsOf(request);
  if (train?.kind !== "train") return undefined;
  const processor = await blockOf();
  const own = variants.find(({ manifest }) => manifest.block === processor)?.manifest;
  const checked = own === undefined ? [undefined] : [undefined, own.block];
  const { manifest } = compiler.compile(train);
  const [ofEvery, ofOwn] = await verdictsOf(request, compiler, manifest, checked);
  if (ofEvery?.ok !== false) return ofOwn?.ok === false ? ofOwn.reason : undefined;
  const message = `Expected a graph that computes what tfjs does, found ${ofEvery.reason}. The compiled engine is not used.`;
  throw new StampedeError("model.not-traceable", message, { details: { reason: "differs" } });
}

/** Of the graph for each of the blocks; empty without rows to check with. */
async function verdictsOf(
  { definition, custom, ...request }: EnginePlanRequest,
  compiler: GraphCompiler,
  { flops, batchSize = 1 }: GraphManifest,
  blocks: readonly (Block | undefined)[],
): Promise<readonly Verdict[]> {
  const { sampleRows: rows } = request;
  if (rows === undefined) return [];
  const { verifyGraph } = await import("./verify-graph.js");
  const weights = request.weights ?? (await drawnWeights(definition));
  return verifyGraph({ compiler, definition, custom, rows, weights, flopsPerRow: flops / batchSize, blocks });
}

async function drawnWeights({ topology }: ModelDefinition): Promise<NamedTensors> {
  const model = await assemble(topology, deriveKey("verify"));
  try {
    return readWeights(model);
  } finally {
    model.dispose();
  }
}

/** Of one batch; graphs for any number of rows say it of one. */
function flopsOf({ flops, batchSize }: GraphManifest, { batchSizes = [] }: EnginePlanRequest): number {
  return batchSize === undefined ? flops * (batchSizes[0] ?? usualBatchSize) : flops;
}

function requestsOf(request: EnginePlanRequest): readonly GraphRequest[] {
  const { purpose, batchSizes = [], validates = false } = request;
  const features = request.fields.filter(({ role }) => role === "feature");
  const fields = [...features, ...request.fields.filter(({ role }) => role === "label")];
  switch (purpose) {
    case "predict":
      return [{ kind: "predict", fields: features }];
    case "evaluate":
      return [{ kind: "evaluate", fields }];
    case "train":
      return [...new Set(batchSizes)]
        .map((batchSize): GraphRequest => ({ kind: "train", batchSize, fields }))
        .concat(validates ? [{ kind: "evaluate", fields }] : []);
  }
}
