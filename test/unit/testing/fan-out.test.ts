import { slicingOf } from "@stampede/core";
import { publishedLatencies, runFanOut, type FanOutFacts, type FanOutOptions } from "@stampede/testing/fan-out";
import { describe, expect, it } from "vitest";
import { deployedCloud } from "../../support/fan-out.js";

const megabyte = 1e6;

function run(options: Partial<FanOutOptions> = {}): Promise<FanOutFacts> {
  const small = { partitions: 8, rounds: 2, localWorkMs: 5_000, weightBytes: megabyte, setup: deployedCloud };
  return runFanOut({ ...small, ...options });
}

describe("a simulated fan-out", () => {
  it("is the same every time, and another one with another seed", async () => {
    const first = await run();
    expect(await run()).toEqual(first);
    expect((await run({ seed: 2 })).rounds).not.toEqual(first.rounds);
  });

  it("ends in the same weights however the round was averaged", async () => {
    const whole = await run({ slicing: { slices: 1, parts: 1 } });
    const sliced = await run({ slicing: { slices: 4, parts: 4 } });
    const inParts = await run({ slicing: { slices: 2, parts: 8 } });
    expect(sliced.weightsSha256).toBe(whole.weightsSha256);
    expect(inParts.weightsSha256).toBe(whole.weightsSha256);
    expect([whole, sliced, inParts].map(({ slices, parts }) => [slices, parts])).toEqual([
      [1, 1],
      [4, 4],
      [2, 8],
    ]);
  });

  it("takes as long as the slowest executor's work, and what comes on top is told apart", async () => {
    const { rounds } = await run();
    for (const { wallMs, slowestMs, mostWorkMs, overheadPercent, timeline } of rounds) {
      expect(mostWorkMs).toBeGreaterThan(5_000);
      expect(slowestMs).toBeGreaterThan(mostWorkMs);
      expect(wallMs).toBeGreaterThan(slowestMs);
      expect(overheadPercent).toBeCloseTo((100 * (wallMs - slowestMs)) / slowestMs, 10);
      expect(timeline.lastDelta).toBeGreaterThan(timeline.lastExecutorReady);
      expect(timeline.weights).toBeGreaterThan(timeline.lastDelta);
    }
  });

  it("counts the bytes that weights stand for", async () => {
    const { largestObjects, functions, rounds } = await run({
      weightBytes: 100 * megabyte,
      slicing: { slices: 1, parts: 1 },
    });
    expect(largestObjects["deltas"]).toBeGreaterThan(100 * megabyte);
    expect(functions.executor.mostHeldBytes).toBeGreaterThan(100 * megabyte);
    // At 90 MB/s at most, read and written.
    for (const { slowestMs, mostWorkMs } of rounds) expect(slowestMs - mostWorkMs).toBeGreaterThan(1_500);
    // Each in 12 parts of 8 MiB; two functions may come to the same weights, of which the first counts.
    const { "s3:UploadPart": parts = 0, "s3:CreateMultipartUpload": uploads = 0 } = rounds[1]?.requests ?? {};
    expect(uploads).toBeGreaterThanOrEqual(8 + 1);
    expect(parts).toBe(12 * uploads);
  });

  it("slices as a job of that size is", async () => {
    const partitions = 24;
    const facts = await run({ partitions, rounds: 1, weightBytes: 100 * megabyte });
    const { slices, parts } = facts;
    expect({ slices, parts }).toEqual(slicingOf({ partitions, weightBytes: 100 * megabyte }));
    expect(parts).toBeGreaterThan(slices);
  });

  it("holds little of large weights at the same time where several functions average them", async () => {
    const held = async (partitions: number): Promise<number> => {
      const slicing = { slices: 16, parts: 32 };
      const facts = await run({ partitions, rounds: 2, weightBytes: 100 * megabyte, slicing });
      return facts.functions["parameter-server"].mostHeldBytes;
    };
    // Four slices, when the last round's weights are hashed.
    expect(await held(4)).toBeLessThan(30 * megabyte);
    expect(await held(70)).toBeLessThan(30 * megabyte);
  });

  it("takes other latencies", async () => {
    const [usual] = (await run({ rounds: 1 })).rounds;
    const latencies = { ...publishedLatencies, coldStart: { medianMs: 10_000, sigma: 0 } };
    const [slow] = (await run({ rounds: 1, latencies })).rounds;
    expect((slow?.wallMs ?? 0) - (usual?.wallMs ?? 0)).toBeGreaterThan(8_000);
  });
});
