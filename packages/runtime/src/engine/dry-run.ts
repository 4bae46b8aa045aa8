import {
  EngineName,
  isStampedeError,
  ModelDefinition,
  sizeOf,
  tensorOf,
  type ErrorCode,
  type Field,
  type NamedTensors,
  type PartitionData,
} from "@stampede/core";
import * as z from "zod";
import { lossesOf } from "../config/losses.js";
import { assemble } from "../model/build-model.js";
import { readWeights } from "../model/weights.js";
import { createEngine } from "./engine.js";

/** What to try; it crosses into another thread. */
export const DryRun = z.strictObject({
  engine: EngineName,
  model: ModelDefinition,
  purpose: z.enum(["train", "infer"]),
});
export type DryRun = z.infer<typeof DryRun>;

export type DryRunOutcome =
  | { readonly result: "works" }
  | { readonly result: "missing-kernel"; readonly kernel: string }
  | { readonly result: "unavailable" | "failed"; readonly code: ErrorCode; readonly message: string };

/** Stands in for lengths that the model leaves open: enough for a few poolings or convolutions. */
const assumedLength = 16;
const rows = 2;

/** Runs the model once on rows of zeros. Takes over the thread's tfjs. */
export async function dryRun({ engine: name, model, purpose }: DryRun): Promise<DryRunOutcome> {
  try {
    const engine = await createEngine(name);
    const session = await engine.open(model);
    await session.load(await zeroWeights(model));
    const data = rowsOfZeros(model);
    await session.predict({ data, batchSize: rows, fromRow: 0, toRow: rows });
    if (purpose === "train") {
      await session.train({
        data,
        order: Uint32Array.of(0, 1),
        batchSize: rows,
        fromBatch: 0,
        toBatch: 1,
        randomKey: 0,
      });
    }
    return { result: "works" };
  } catch (error) {
    return outcomeOf(error);
  }
}

async function zeroWeights({ topology }: ModelDefinition): Promise<NamedTensors> {
  const model = await assemble(topology);
  const weights = readWeights(model);
  model.dispose();
  return weights;
}

function outcomeOf(error: unknown): DryRunOutcome {
  const message = error instanceof Error ? error.message : String(error);
  const code = isStampedeError(error) ? error.code : "engine.failed";
  // A step was made: whether its loss of zeros is finite says nothing.
  if (code === "training.non-finite") return { result: "works" };
  const kernel = /Kernel '(\w+)' not registered/.exec(message)?.[1];
  if (kernel !== undefined) return { result: "missing-kernel", kernel };
  if (code === "engine.unavailable") return { result: "unavailable", code, message };
  // Before a job has begun it is the model that is at fault.
  return { result: "failed", code: code === "engine.failed" ? "model.unsupported" : code, message };
}

function rowsOfZeros(model: ModelDefinition): PartitionData {
  const losses = lossesOf(
    model.training,
    model.outputs.map(({ name }) => name),
  );
  const labelShape = (shape: readonly (number | null)[], index: number): readonly (number | null)[] =>
    losses[index] === "sparseCategoricalCrossentropy" ? [...shape.slice(0, -1), 1] : shape;
  return {
    rows,
    fields: [
      ...model.inputs.map(({ name, shape }) => zeros("feature", name, shape)),
      ...model.outputs.map(({ name, shape }, index) => zeros("label", name, labelShape(shape, index))),
    ],
  };
}

function zeros(role: Field["role"], name: string, open: readonly (number | null)[]): PartitionData["fields"][number] {
  const shape = open.map((extent) => extent ?? assumedLength);
  const encoding = { kind: "affine" as const, subtract: [0], divide: [1] };
  return {
    field: { name, role, storage: "float32", storedShape: shape, shape, encoding },
    tensor: tensorOf(new Float32Array(rows * sizeOf(shape)), [rows, ...shape]),
  };
}
