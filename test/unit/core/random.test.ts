import { deriveKey, permutation, randomUint32, sha256Hex, uniformStream } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { philox } from "./philox-reference.js";

const draw = (next: () => number, count: number): number[] => Array.from({ length: count }, next);

describe("the generator", () => {
  it("has the known answers of Random123 (kat_vectors, philox2x32 10)", () => {
    expect(philox(0, 0n)).toEqual([0xff1dae59, 0x6cd10df2]);
    expect(philox(0xffff_ffff, 0xffff_ffff_ffff_ffffn)).toEqual([0x2c3f628b, 0xab4fd7ad]);
    expect(philox(0x13198a2e, 0x85a308d3_243f6a88n)).toEqual([0xdd7ce038, 0xf62a4c12]);
    expect(randomUint32(0, 0)).toBe(0xff1dae59);
    expect(uniformStream(0)()).toBe(((0xff1dae59 >>> 5) * 2 ** 26 + (0x6cd10df2 >>> 6)) / 2 ** 53);
  });

  it("reaches counters beyond 32 bits", () => {
    expect(randomUint32(5, 2 ** 32 + 3)).toBe(philox(5, 2n ** 32n + 3n)[0]);
    expect(randomUint32(0xffff_ffff, 2 ** 53 - 1)).toBe(philox(0xffff_ffff, 2n ** 53n - 1n)[0]);
  });
});

describe("deriveKey", () => {
  it("is stable: these keys are in use", () => {
    expect(deriveKey(7, "order", 0, 1)).toBe(991220649);
    expect(deriveKey()).toBe(2714587983);
  });

  it("tells kinds, order and grouping of parts apart", () => {
    const parts: (number | string)[][] = [
      [],
      [7],
      ["7"],
      [7, 7],
      [77],
      ["a", "b"],
      ["b", "a"],
      ["ab"],
      ["a,b"],
      ['a","b'],
    ];
    expect(new Set(parts.map((list) => deriveKey(...list))).size).toBe(parts.length);
  });
});

describe("uniformStream", () => {
  it("is stable, and two streams of one key are independent of each other", () => {
    const [first, second] = [uniformStream(1), uniformStream(1)];
    expect(draw(first, 3)).toEqual([0.5759174180468994, 0.8731566738913394, 0.7201687316069406]);
    expect(draw(second, 3)).toEqual([0.5759174180468994, 0.8731566738913394, 0.7201687316069406]);
  });

  it("is uniform on [0, 1): mean, variance, 64 bins and neighbours of 100,000 draws", () => {
    const count = 100_000;
    const values = draw(uniformStream(deriveKey("uniform")), count);
    const mean = values.reduce((sum, value) => sum + value, 0) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    const neighbours =
      values.reduce((sum, value, i) => sum + (value - 0.5) * ((values[i + 1] ?? 0.5) - 0.5), 0) / count;
    const bins = new Float64Array(64);
    for (const value of values) bins[Math.floor(value * 64)] = (bins[Math.floor(value * 64)] ?? 0) + 1;
    const chiSquare = bins.reduce((sum, found) => sum + (found - count / 64) ** 2 / (count / 64), 0);
    // Four standard deviations each; chi-square with 63 degrees of freedom has mean 63 and deviation sqrt(126).
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(4 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(4 * Math.sqrt(1 / 180 / count));
    expect(Math.abs(neighbours)).toBeLessThan((4 * (1 / 12)) / Math.sqrt(count));
    expect(Math.abs(chiSquare - 63)).toBeLessThan(4 * Math.sqrt(126));
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
  });
});

describe("permutation", () => {
  it("is stable: committed rounds depend on it", () => {
    expect([...permutation(10, 1)]).toEqual([1, 2, 8, 0, 9, 4, 7, 6, 3, 5]);
    expect(sha256Hex(new Uint8Array(permutation(100_000, 42).buffer))).toBe(
      "c40812ae2f7eafd3bdc8ec9b04d74956bf90d30d99db8117b43d17c44572a30b",
    );
  });

  it("of nothing and of one row is what it is", () => {
    expect([...permutation(0, 1)]).toEqual([]);
    expect([...permutation(1, 1)]).toEqual([0]);
  });

  it("has every order of 4 rows equally often", () => {
    const perOrder = 1000;
    const counts = new Map<string, number>();
    for (let key = 0; key < 24 * perOrder; key += 1) {
      const order = permutation(4, key).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, found) => sum + (found - perOrder) ** 2 / perOrder, 0);
    expect(Math.abs(chiSquare - 23)).toBeLessThan(4 * Math.sqrt(46));
  });
});
