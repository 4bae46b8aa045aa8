import { createRequire } from "node:module";
import { StampedeError, type Compute } from "@stampede/core";
import type { GraphManifest } from "@stampede/graph/format";
import type * as Ort from "onnxruntime-node";

const require = createRequire(import.meta.url);

// On Linux onnxruntime sends usage data unless this is set before it is loaded. It asks the process itself; a worker thread has only a
// copy of the environment, so the thread that starts the others must set it: when it loads this module.
process.env["ORT_DISABLE_TELEMETRY"] = "1";

let loaded: typeof Ort | undefined;

/**
 * onnxruntime, loaded when it is asked for (20 ms).
 * @throws StampedeError `engine.unavailable`
 */
export function loadOrt(): typeof Ort {
  loaded ??= load();
  return loaded;
}

function load(): typeof Ort {
  try {
    const ort: unknown = require("onnxruntime-node");
    if (isOrt(ort)) return ort;
    throw new TypeError("a package without InferenceSession");
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : String(cause);
    const message =
      `Expected the engine compiled, but onnxruntime-node cannot be loaded here: ${reason}. ` +
      "Install Stampede again, or take a tfjs engine. Nothing was started.";
    throw new StampedeError("engine.unavailable", message, { details: { engine: "compiled" }, cause });
  }
}

function isOrt(module: unknown): module is typeof Ort {
  return typeof module === "object" && module !== null && "InferenceSession" in module && "Tensor" in module;
}

/**
 * From so many operations a batch on, onnxruntime fetches the memory of a step piece by piece and not as one block. Beside the block it keeps
 * the pieces of the first step, which is a third of all memory (a CIFAR CNN 587 MB instead of 384). Small nets would be 2 % slower.
 */
const flopsWithoutBlock = 1e9;

/**
 * How sessions are made. One operator at a time: the steps of a training follow each other. The arena stays on: without it every large
 * tensor is fetched from the system anew, which took a third more time for a CNN.
 *
 * A graph that trains has nothing left that a search for fusions would find (its compiler has made them, and the operators that run are
 * the same ones), so it is opened without: in half the time, and no version of onnxruntime makes other bits of it by finding more. In one
 * that predicts weights are constants, which the search lays out for blocked kernels.
 */
export function sessionOptions(
  { threads, spinning }: Compute,
  { kind, flops }: Pick<GraphManifest, "kind" | "flops">,
): Ort.InferenceSession.SessionOptions {
  return {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: kind === "train" ? "basic" : "all",
    enableCpuMemArena: true,
    enableMemPattern: kind !== "train" || flops < flopsWithoutBlock,
    // Nothing below what ends the process: errors are thrown, and printed they would stand in the user's output as well.
    logSeverityLevel: 4,
    // Arrives as the session's setting "session.intra_op.allow_spinning".
    extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
  };
}
