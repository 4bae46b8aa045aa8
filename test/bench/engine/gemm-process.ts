import { uniformStream } from "@stampede/core";
import { env, InferenceSession, Tensor } from "onnxruntime-node";
import { serve } from "../steps/serve.js";
import { gemmModel } from "./gemm-model.js";

/** A participant: onnxruntime multiplying matrices, nothing else. */
await serve(async (task) => {
  if (task.kind !== "gemm") throw new Error("expected matrices to multiply");
  const { m, k, n, threads } = task;
  const session = await InferenceSession.create(gemmModel(m, k, n), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds = { a: random(m, k), b: random(k, n), first: random(1) };
  return {
    versions: { "onnxruntime-node": env.versions.node ?? env.versions.common },
    run: async (steps) => {
      await session.run({ ...feeds, xs: random(steps, 1) });
    },
    close: () => void session.release(),
  };
});

function random(...shape: number[]): Tensor {
  const next = uniformStream(1);
  const length = shape.reduce((product, extent) => product * extent, 1);
  return new Tensor("float32", Float32Array.from({ length }, next), shape);
}
