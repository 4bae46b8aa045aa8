import { Worker } from "node:worker_threads";
import { StampedeError, type EngineName, type ModelDefinition } from "@stampede/core";
import { isTfjsNodeInstalled, type TfjsEngineName } from "./backend.js";
import type { DryRun, DryRunOutcome } from "./dry-run.js";

/**
 * The engine that is wanted, if it can run the model; without a wish the best tfjs engine: tfjs-node where it is installed, else
 * tfjs-wasm if it has every kernel that the model needs, else tfjs-cpu. Found out by doing it (one tiny step) in a thread of its own, so
 * that the caller's tfjs stays as it is. A job's engine is chosen by `planEngine`.
 *
 * @param purpose `infer` asks only for the forward pass: tfjs-wasm predicts with many models that it cannot train
 * @throws StampedeError `engine.unavailable` when the one that is wanted cannot be loaded or cannot run the model;
 *   `model.unsupported` when no engine can build the model
 */
export async function chooseEngine(
  model: ModelDefinition,
  wanted?: EngineName,
  purpose: "train" | "infer" = "train",
): Promise<EngineName> {
  if (wanted === undefined) return bestTfjsEngine(model, purpose);
  // Plain JavaScript: it is always there and has every kernel, but is too slow to try out on a large model.
  if (wanted === "tfjs-cpu") return wanted;
  const outcome = await tryOut({ engine: wanted, model, purpose });
  if (outcome.result !== "works") throw refusal(wanted, outcome);
  return wanted;
}

/** @throws StampedeError `model.unsupported` when no tfjs engine can build the model */
export async function bestTfjsEngine(model: ModelDefinition, purpose: "train" | "infer"): Promise<TfjsEngineName> {
  for (const engine of ["tfjs-node", "tfjs-wasm"] as const) {
    if (engine === "tfjs-node" && !isTfjsNodeInstalled()) continue;
    const outcome = await tryOut({ engine, model, purpose });
    if (outcome.result === "works") return engine;
    if (outcome.result === "failed" && !hasOpenShape(model)) throw new StampedeError(outcome.code, outcome.message);
  }
  return "tfjs-cpu";
}

/** The rows of a dry run are made up; where the model leaves a length open, it may fail for the length and not for the engine. */
function hasOpenShape({ inputs }: ModelDefinition): boolean {
  return inputs.some(({ shape }) => shape.includes(null));
}

function refusal(engine: EngineName, outcome: Exclude<DryRunOutcome, { result: "works" }>): StampedeError {
  if (outcome.result !== "missing-kernel") return new StampedeError(outcome.code, outcome.message);
  const message =
    `Expected ${engine} to run this model, but it has no kernel ${outcome.kernel}. ` +
    "Leave `engine` out to let Stampede choose, or take tfjs-cpu. Nothing was started.";
  return new StampedeError("engine.unavailable", message, { details: { engine, kernel: outcome.kernel } });
}

function tryOut(run: DryRun): Promise<DryRunOutcome> {
  return new Promise((resolve, reject) => {
    // Its streams are not passed on: what a backend prints while it loads is no output of ours.
    const worker = new Worker(new URL("./dry-run-worker.js", import.meta.url), {
      workerData: run,
      stdout: true,
      stderr: true,
    });
    const died = (cause: unknown): void => {
      const message = `Expected ${run.engine} to start, but its thread ended: ${String(cause)}. Nothing was started.`;
      reject(new StampedeError("engine.unavailable", message, { details: { engine: run.engine }, cause }));
    };
    worker.once("message", (outcome: DryRunOutcome) => {
      resolve(outcome);
      void worker.terminate();
    });
    worker.once("error", died);
    worker.once("exit", (code) => died(`exit code ${code}`));
  });
}
