import { createEngine, createGraphCompiler, replayTraining } from "@stampede/runtime";
import type { EngineHarness, PlainFit, PlainOutcome } from "@stampede/testing";
import * as tf from "@tensorflow/tfjs-core";
import { stockFit, stockPredict } from "./tfjs-engine.js";

/**
 * The compiled engine and, as its reference, tfjs' own model on the CPU, which draws the same random numbers. Both sum up in float32, in
 * different orders.
 */
export async function compiledHarness(): Promise<EngineHarness> {
  await createEngine("tfjs-cpu");
  const engine = await createEngine("compiled");
  return { engine, liveTensors: () => tf.memory().numTensors, fit, predict: stockPredict, tolerance: 2e-6 };
}

async function fit(plain: PlainFit): Promise<PlainOutcome> {
  const { definition, data, batchSize, randomKey } = plain;
  const compiler = await createGraphCompiler(definition);
  const replay = await replayTraining(randomKey);
  try {
    const fields = data.fields.map(({ field }) => field);
    return await stockFit(plain, (batch) => {
      const rows = Math.min(batchSize, data.rows - batch * batchSize);
      replay.beginBatch(compiler.compile({ kind: "train", batchSize: rows, fields }).manifest, batch);
    });
  } finally {
    replay.stop();
    compiler.dispose();
  }
}
