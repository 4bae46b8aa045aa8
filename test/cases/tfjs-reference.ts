import type { GraphManifest } from "@stampede/graph/format";
import { createEngine, replayTraining, type GraphCompiler } from "@stampede/runtime";
import type { Prepared, Reference, Trained } from "./case.js";
import { infer } from "./infer.js";
import { fieldsOf, rowsInOrder } from "./prepare.js";
import { correctKernels } from "./right-kernels.js";

/** tfjs' own train function on its CPU backend, drawing the random numbers that the graph draws. */
export const tfjsReference: Reference = {
  train,
  infer: async ({ case: { corrected = {} }, definition }, weights, data) => {
    const session = await (await createEngine("tfjs-cpu")).open(definition);
    const restore = correctKernels(corrected);
    try {
      await session.load(weights);
      return await infer(session, data);
    } finally {
      restore();
      session.close();
    }
  },
};

async function train(prepared: Prepared, compiler: GraphCompiler): Promise<Trained> {
  const { definition, weights, data, batchSize, randomKey } = prepared;
  // Made first, because a trace wants Math.random for itself.
  const manifests = manifestsOf(prepared, compiler);
  const session = await (await createEngine("tfjs-cpu")).open(definition);
  const restore = correctKernels(prepared.case.corrected ?? {});
  const replay = await replayTraining(randomKey);
  const release = holdRandom();
  try {
    await session.load(weights);
    const outcomes = [];
    for (const [batch, manifest] of manifests.entries()) {
      replay.beginBatch(manifest, batch);
      const range = { order: rowsInOrder(data), fromBatch: batch, toBatch: batch + 1, randomKey };
      outcomes.push(...(await session.train({ data, batchSize, ...range })).batches);
    }
    return { ...(await session.save()), batches: outcomes };
  } finally {
    release();
    replay.stop();
    restore();
    session.close();
  }
}

/** Of the graph that trains each batch. */
function manifestsOf({ data, batchSize, batches }: Prepared, compiler: GraphCompiler): readonly GraphManifest[] {
  const fields = fieldsOf(data);
  return Array.from({ length: batches }, (_, batch) => {
    const rows = Math.min(batchSize, data.rows - batch * batchSize);
    return compiler.compile({ kind: "train", batchSize: rows, fields }).manifest;
  });
}

/** The engine seeds Math.random itself in every batch; the replay's stand-in must stay in its place. */
function holdRandom(): () => void {
  const held = Math.random;
  const refuse = (): void => undefined;
  Object.defineProperty(Math, "random", { get: () => held, set: refuse, configurable: true });
  return () => {
    Object.defineProperty(Math, "random", { value: held, writable: true, configurable: true });
  };
}
