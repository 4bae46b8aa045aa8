import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listJobs, localCluster, type Cluster, type LocalCluster } from "@stampede/client";
import type { JobSpec, NumericArray, Tensor } from "@stampede/core";
import type { MemoryDataset } from "@stampede/data";
import { readSpec } from "@stampede/training";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { afterEach, beforeEach } from "vitest";

/** Makes a cluster with a store of its own for each test of a file. */
export function clusterForEach(): { readonly home: string; readonly cluster: LocalCluster } {
  const made = { home: "", cluster: localCluster() };
  beforeEach(async () => {
    made.home = await mkdtemp(join(tmpdir(), "stampede-client-"));
    made.cluster = localCluster({ home: join(made.home, "store"), threads: 2 });
  });
  afterEach(async () => {
    await made.cluster.close();
    await rm(made.home, { recursive: true, force: true });
  });
  return made;
}

export function linearModel(): LayersModel {
  const model = sequential({
    name: "linear",
    layers: [
      layers.dense({ name: "hidden", units: 4, activation: "tanh", inputShape: [2] }),
      layers.dense({ name: "out", units: 1 }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError", metrics: ["mae"] });
  return model;
}

/** Of the job that was submitted last. */
export async function lastSpec(cluster: Cluster): Promise<JobSpec> {
  const [job] = await listJobs(cluster);
  if (job === undefined) throw new Error("no job");
  return readSpec(await cluster.open(), job.job);
}

export const graphNames = ({ graphs = [] }: JobSpec): string[] => graphs.map(({ name }) => name);

export const valuesOf = (model: LayersModel): NumericArray[] => model.getWeights().map((weight) => weight.dataSync());

export function onlyTensor(tensors: MemoryDataset["labels"]): Tensor {
  const list = tensors === undefined ? [] : "dtype" in tensors ? [tensors] : tensors;
  if (list[0] === undefined) throw new Error("no tensor");
  return list[0];
}
