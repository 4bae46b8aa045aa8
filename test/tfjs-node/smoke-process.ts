import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Tf from "@tensorflow/tfjs-core";

/** See smoke-test.ts. What the runtime requires is resolved from its folder. */
const load = createRequire(join(import.meta.dirname, "../../packages/runtime/package.json"));
const tf = load("@tensorflow/tfjs-core") as typeof Tf;
load("@tensorflow/tfjs-node");

// Two tfjs-cores share one engine, so computing would not show the second.
const cores = Object.keys(load.cache).filter((file) => file.endsWith("/tfjs-core/dist/tf-core.node.js"));
if (cores.join() !== load.resolve("@tensorflow/tfjs-core")) {
  throw new Error(`expected the repository's tfjs-core only, found ${cores.join(" and ")}`);
}
const backend: string | undefined = tf.getBackend();
if (backend !== "tensorflow") throw new Error(`expected the backend tensorflow, found ${backend ?? "none"}`);
const product = tf
  .matMul(tf.ones([2, 3]), tf.ones([3, 2]))
  .dataSync()
  .join();
if (product !== "3,3,3,3") throw new Error(`expected a product of 3,3,3,3, found ${product}`);
