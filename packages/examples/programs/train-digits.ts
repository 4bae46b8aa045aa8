import { localCluster, ServerlessModel } from "@stampede/client";
import { argMax } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";

const features = { shape: [64], scale: 16 };
const digits = { format: "builtin" as const, name: "digits" as const, features, labels: { oneHot: 10 } };
const hidden = layers.dense({ units: 64, activation: "relu", inputShape: [64] });
const model = sequential({ layers: [hidden, layers.dense({ units: 10, activation: "softmax" })] });
model.compile({ optimizer: "adam", loss: "categoricalCrossentropy", metrics: ["accuracy"] });

const cluster = localCluster();
const distributed = new ServerlessModel(model, { cluster, executors: 4, mode: "synchronous", seed: 7 });
const history = await distributed.fit(digits, { epochs: 20, batchSize: 32, validationSplit: 0.1 });
console.log("validation", history.at(-1)?.validation);
console.log("all digits", await distributed.evaluate(digits));

const [probabilities] = await distributed.predict(digits);
if (probabilities !== undefined) console.log("the first is a", argMax(probabilities, -1).dataSync()[0]);
await distributed.save("file://digits-model", { overwrite: true });
await cluster.close();
