import { bytesPerElement, sizeOf, StampedeError, type ModelDefinition, type NamedTensors } from "@stampede/core";

/** What a task of the job will hold in memory. */
export interface MemoryNeed {
  readonly kind: "train" | "evaluate" | "predict";
  readonly model: ModelDefinition;
  readonly weights: NamedTensors;
  readonly batchSize: number;
  /** Of the largest partitions that one task reads: of the data, and of the validation data. */
  readonly partitionBytes: number;
}

/** One array of each weight's shape a slot: where tfjs' optimizers have one or none; all others have two or more. */
const slotsOf: ReadonlyMap<string, number> = new Map([
  ["SGD", 0],
  ["Momentum", 1],
  ["Adagrad", 1],
]);
/** As they were read, as the steps leave them, copied out, and as the object that is stored. */
const trainedCopies = 4;
const inferenceCopies = 2;

/**
 * Refuses a job whose tasks cannot fit into the memory of one executor. The sum is a floor: what it counts is needed by every engine,
 * and what depends on the engine (its kernels' scratch, the outputs of layers without weights) is left out.
 *
 * @param limitBytes of one executor
 * @throws StampedeError `model.too-large` with the figures
 */
export function checkMemory(need: MemoryNeed, limitBytes: number): void {
  const parts = memoryFloor(need);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= limitBytes) return;
  const listed = parts.map(({ what, bytes }) => `${what} ${mebibytes(bytes)}`).join(", ");
  const message =
    `Expected a task to fit into the ${mebibytes(limitBytes)} of one executor; found that it needs at least ` +
    `${mebibytes(total)} (${listed}). Nothing was started.`;
  throw new StampedeError("model.too-large", message, { details: { bytes: total, limitBytes } });
}

function memoryFloor({ kind, model, weights, batchSize, partitionBytes }: MemoryNeed): readonly Part[] {
  const own = [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const slots = slotsOf.get(model.training.optimizer_config.class_name) ?? 2;
  const trained = { what: "weights, optimizer and gradients", bytes: trainedCopies * own * (1 + slots) + own };
  const state = kind === "train" ? trained : { what: "weights", bytes: inferenceCopies * own };
  return [
    state,
    { what: "partitions", bytes: partitionBytes },
    { what: `a batch of ${batchSize} rows`, bytes: batchSize * rowBytes(model, weights, kind === "train") },
  ];
}

interface Part {
  readonly what: string;
  readonly bytes: number;
}

/** The inputs of a row and what layers with weights make of it, kept for the backward pass beside its gradient. */
function rowBytes({ inputs }: ModelDefinition, weights: NamedTensors, isTrained: boolean): number {
  const fed = inputs.reduce((sum, { shape }) => sum + sizeOf(shape.map((extent) => extent ?? 1)), 0);
  const units = [...weights.values()].map(({ shape }) => (shape.length < 2 ? 0 : (shape.at(-1) ?? 0)));
  const made = isTrained ? 2 * units.reduce((sum, count) => sum + count, 0) : Math.max(0, ...units);
  return (fed + made) * bytesPerElement.float32;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
