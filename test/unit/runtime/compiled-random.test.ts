import { uniformStream } from "@stampede/core";
import type { GraphManifest } from "@stampede/graph/format";
import { replayTraining } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { useCpu } from "./models.js";

useCpu();

const manifest: GraphManifest = {
  version: 1,
  kind: "train",
  batchSize: 1,
  fields: [],
  variables: [],
  anchors: [],
  pools: [],
  poolLength: 0,
  draws: [],
  outputs: [],
  flops: 0,
  places: [],
  madeWith: { stampede: "", tfjs: "" },
};

const operations = {
  uniform: (size: number) => tf.randomUniform([size]),
  normal: (size: number) => tf.randomNormal([size]),
  truncatedNormal: (size: number) => tf.truncatedNormal([size]),
};

interface Draw {
  readonly of?: keyof typeof operations;
  readonly size?: number;
  readonly poolLength?: number;
  readonly batch?: number;
  readonly key?: number;
}

/** What a graph with one random tensor draws, by the numbers that tfjs is given in its place. */
async function drawn({ of = "uniform", size = 8, poolLength = 2 ** 12, batch = 0, key = 1 }: Draw): Promise<number[]> {
  const replay = await replayTraining(key);
  try {
    replay.beginBatch({ ...manifest, draws: [size], poolLength }, batch);
    return [...operations[of](size).dataSync()];
  } finally {
    replay.stop();
  }
}

const pool = (of: keyof typeof operations, length: number): Promise<number[]> =>
  drawn({ of, size: length, poolLength: length });

/** Mean of a power of the values. */
function moment(values: readonly number[], power: number): number {
  return values.reduce((sum, value) => sum + value ** power, 0) / values.length;
}

const length = 2 ** 17;
/** Six standard deviations of the mean of values with variance 1. */
const noise = 6 / Math.sqrt(length);

describe("the pools of random numbers", () => {
  it("are the same for ever", async () => {
    // Changing them changes the results of every job that is resumed.
    const beginnings = {
      uniform: [0.7833676338195801, 0.8105093240737915, 0.6161727905273438, 0.6815172433853149],
      normal: [0.8328956365585327, 0.16155029833316803, 0.15110856294631958, 0.4739457368850708],
      truncatedNormal: [1.284247875213623, -0.8855342864990234, -0.08610199391841888, 0.7344591617584229],
    };
    for (const of of ["uniform", "normal", "truncatedNormal"] as const) {
      expect(await pool(of, 4)).toEqual(beginnings[of]);
    }
  });

  it.each(["uniform", "normal", "truncatedNormal"] as const)("begin with the shorter ones: %s", async (of) => {
    const long = await pool(of, length);
    expect((await pool(of, 5000)).every((value, index) => value === long[index])).toBe(true);
    expect((await pool(of, length + 5000)).slice(0, length)).toEqual(long);
  });

  it("have the moments of their distributions", async () => {
    const uniform = await pool("uniform", length);
    expect(Math.min(...uniform.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform.slice(0, 50_000))).toBeLessThan(1);
    expect(uniform.every((value) => Number.isInteger(value * 2 ** 24))).toBe(true);
    expect(Math.abs(moment(uniform, 1) - 1 / 2)).toBeLessThan(noise);
    expect(Math.abs(moment(uniform, 2) - 1 / 3)).toBeLessThan(noise);
    const normal = await pool("normal", length);
    expect(Math.abs(moment(normal, 1))).toBeLessThan(noise);
    expect(Math.abs(moment(normal, 2) - 1)).toBeLessThan(noise * Math.sqrt(2));
    expect(Math.abs(moment(normal, 3))).toBeLessThan(noise * Math.sqrt(15));
    expect(Math.abs(moment(normal, 4) - 3)).toBeLessThan(noise * Math.sqrt(96));
    const truncated = await pool("truncatedNormal", length);
    expect(truncated.every((value) => Math.abs(value) <= 2)).toBe(true);
    expect(Math.abs(moment(truncated, 1))).toBeLessThan(noise);
    // 1 - 4 * density(2) / (share within 2 deviations)
    expect(Math.abs(moment(truncated, 2) - 0.7737)).toBeLessThan(noise);
  });

  it("differ from one another, and neighbours do not hang together", async () => {
    const [normal, truncated] = [await pool("normal", length), await pool("truncatedNormal", length)];
    expect(truncated.slice(0, 4)).not.toEqual(normal.filter((value) => Math.abs(value) <= 2).slice(0, 4));
    for (const distance of [1, 2, 3]) {
      const products = normal.slice(distance).map((value, index) => value * (normal[index] ?? 0));
      expect(Math.abs(moment(products, 1))).toBeLessThan(noise);
    }
  });
});

describe("what a batch draws", () => {
  it("follows from the key and the batch alone", async () => {
    const first = await drawn({ key: 3, batch: 7 });
    await drawn({ key: 4, batch: 1 });
    expect(await drawn({ key: 3, batch: 7 })).toEqual(first);
    expect(await drawn({ key: 3, batch: 8 })).not.toEqual(first);
    expect(await drawn({ key: 4, batch: 7 })).not.toEqual(first);
  });

  it("is a window of its pool, and every window occurs", async () => {
    const values = await pool("uniform", 16);
    const seen = new Set<number>();
    for (let batch = 0; batch < 200; batch += 1) {
      const window = await drawn({ size: 12, poolLength: 16, batch });
      const [first = Number.NaN] = window;
      const at = values.indexOf(first);
      expect(window).toEqual(values.slice(at, at + 12));
      seen.add(at);
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it("is scaled as the operation asks, and put back afterwards", async () => {
    const plain = await drawn({});
    const random = Math.random;
    const replay = await replayTraining(1);
    replay.beginBatch({ ...manifest, draws: [8, 8], poolLength: 2 ** 12 }, 0);
    const scaled = tf.randomUniform([8], -2, 6).dataSync();
    const second = tf.randomUniform([8]).dataSync();
    replay.stop();
    for (const [index, value] of scaled.entries()) expect(value).toBeCloseTo((plain[index] ?? 0) * 8 - 2, 6);
    expect([...second]).not.toEqual(plain);
    expect(Math.random).toBe(random);
    const key = uniformStream(1)();
    expect(tf.randomUniform([8], 0, 1, "float32", key).dataSync()).not.toEqual(scaled);
  });
});
