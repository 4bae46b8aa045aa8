import { createRequire } from "node:module";
import type * as Ort from "onnxruntime-node";

process.env["ORT_DISABLE_TELEMETRY"] = "1";
// Loaded after the line above, which an import would not be.
export const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof Ort;

/** Runs a model once on one thread. */
export async function runModel(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Ort.Tensor>>,
): Promise<Readonly<Record<string, Ort.Tensor>>> {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export function floats(values: ArrayLike<number>, dims: readonly number[]): Ort.Tensor {
  return new ort.Tensor("float32", Float32Array.from(values), dims);
}

export function numbersOf(tensor: Ort.Tensor | undefined): number[] {
  return Array.from((tensor?.data ?? []) as ArrayLike<number | bigint>, Number);
}
