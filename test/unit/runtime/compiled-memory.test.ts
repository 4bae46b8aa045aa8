import { createEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { expect, it } from "vitest";
import { classRows, noisyClassifier, using, wholeEpoch } from "../../support/compiled-models.js";
import { useCpu } from "./models.js";

useCpu();

it("keeps its memory flat over 400 epochs", async () => {
  const data = classRows(403);
  const model = defineModel(noisyClassifier(tf.train.adam(0.001)));
  const engine = await createEngine("compiled");
  await using(await engine.open(model.definition), async (session) => {
    await session.load(model.weights);
    const epochs = async (count: number): Promise<void> => {
      for (let epoch = 0; epoch < count; epoch += 1) {
        await session.train(wholeEpoch(data, 8, { randomKey: epoch }));
        if (epoch % 10 === 0) await session.evaluate({ data, batchSize: 64, fromRow: 0, toRow: 403 });
      }
    };
    await epochs(40);
    const before = process.memoryUsage();
    await epochs(400);
    const after = process.memoryUsage();
    const mebibyte = 2 ** 20;
    // A leak of one state an epoch would be 3 MiB of them, and more of what onnxruntime holds for each.
    expect(after.rss - before.rss).toBeLessThan(48 * mebibyte);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(2 * mebibyte);
  });
});
