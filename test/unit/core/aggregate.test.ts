import { tensorOf, WeightedMean, type NamedTensors } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./thrown.js";

const named = (...values: number[]): NamedTensors =>
  new Map([["w", tensorOf(Float32Array.from(values), [values.length])]]);
const meanOf = (...parts: readonly (readonly [NamedTensors, number])[]): NamedTensors => {
  const [first] = parts;
  const mean = new WeightedMean(first?.[0] ?? new Map());
  for (const [index, [tensors, weight]] of parts.entries()) mean.add(tensors, weight, `part ${index}`);
  return mean.result();
};
/** As bytes, so that -0 and 0 differ. */
const bytesOf = (tensors: NamedTensors): number[][] =>
  [...tensors.values()].map(({ data }) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);

describe("WeightedMean", () => {
  it("weights by samples: executors with 1, 5 and 70 rows, and an empty one", () => {
    const result = meanOf([named(1, 10), 1], [named(2, 20), 5], [named(999, 999), 0], [named(3, 30), 70]);
    expect(result).toEqual(named(Math.fround((1 + 10 + 210) / 76), Math.fround((10 + 100 + 2100) / 76)));
  });

  it("gives one contributor's values bit for bit, whatever its weight", () => {
    const awkward = named(-0, 0, 1e-45, -3.4028234663852886e38, 0.1, 1 / 3, 16777217);
    for (const weight of [1, 3, 60_000, 2 ** 29 - 1]) {
      expect(bytesOf(meanOf([awkward, weight]))).toEqual(bytesOf(awkward));
    }
  });

  it("gives the values of contributors that agree bit for bit", () => {
    const awkward = named(-0, 1e-45, 0.1, 1 / 3, 3.4028234663852886e38);
    expect(bytesOf(meanOf([awkward, 7], [awkward, 13], [awkward, 31]))).toEqual(bytesOf(awkward));
  });

  it("does the same for float64, where sums would round or overflow", () => {
    const awkward: NamedTensors = new Map([["w", tensorOf(Float64Array.of(-0, 0.1, 1.7976931348623157e308), [3])]]);
    expect(bytesOf(meanOf([awkward, 7], [awkward, 13]))).toEqual(bytesOf(awkward));
    const mean = meanOf(
      [new Map([["w", tensorOf(Float64Array.of(1), [])]]), 1],
      [new Map([["w", tensorOf(Float64Array.of(2), [])]]), 3],
    );
    expect(mean.get("w")).toEqual(tensorOf(Float64Array.of(1.75), []));
  });

  it("takes integers from the first contributor that has samples", () => {
    const step = (value: number): NamedTensors => new Map([["step", tensorOf(Int32Array.of(value), [])]]);
    expect(meanOf([step(1), 0], [step(2), 5], [step(3), 50])).toEqual(step(2));
  });

  it("is a copy of the template without any samples", () => {
    const template: NamedTensors = new Map([
      ["w", tensorOf(Float32Array.of(4), [1])],
      ["step", tensorOf(Int32Array.of(4), [])],
    ]);
    const mean = new WeightedMean(template);
    expect(mean.result()).toEqual(template);
    expect(mean.result().get("w")?.data).not.toBe(template.get("w")?.data);
    mean.add(template, 0, "x");
    expect(mean.result()).toEqual(template);
  });

  it("keeps the template's order and shares no memory with contributors", () => {
    const part: NamedTensors = new Map([
      ["b", tensorOf(Float32Array.of(1), [1])],
      ["a", tensorOf(Int32Array.of(1), [1])],
    ]);
    const mean = new WeightedMean(new Map([...part].toReversed()));
    mean.add(part, 1, "x");
    for (const { data } of part.values()) data[0] = 9;
    expect([...mean.result()]).toEqual([
      ["a", tensorOf(Int32Array.of(1), [1])],
      ["b", tensorOf(Float32Array.of(1), [1])],
    ]);
  });

  it.each<[string, NamedTensors, string]>([
    ["a missing tensor", new Map(), 'Expected tensor "w" in k, found none.'],
    [
      "an unknown tensor",
      new Map([...named(1, 2), ["x", tensorOf(Int8Array.of(1), [])]]),
      'Expected no tensor "x" in k, found one.',
    ],
    [
      "another shape",
      new Map([["w", tensorOf(Float32Array.of(1, 2), [1, 2])]]),
      'Expected tensor "w" to be float32 of shape [2] in k, found float32 of shape [1, 2].',
    ],
    [
      "another length",
      named(1, 2, 3),
      'Expected tensor "w" to be float32 of shape [2] in k, found float32 of shape [3].',
    ],
    [
      "another dtype",
      new Map([["w", tensorOf(Float64Array.of(1, 2), [2])]]),
      'Expected tensor "w" to be float32 of shape [2] in k, found float64 of shape [2].',
    ],
  ])("refuses %s, also with weight 0", (_, wrong, message) => {
    for (const weight of [0, 1]) {
      const mean = new WeightedMean(named(1, 2));
      mean.add(named(5, 6), 2, "first");
      const error = thrown(() => mean.add(wrong, weight, "k"));
      expect(error.code).toBe("training.incompatible-delta");
      expect(error.message).toBe(`${message} The contribution was not used.`);
      expect(error.details.origin).toBe("k");
      expect(mean.result()).toEqual(named(5, 6));
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses %f in any place, and forgets that contribution",
    (bad) => {
      for (let index = 0; index < 9; index += 1) {
        const clean = Array.from({ length: 9 }, (_, i) => i);
        const two = (values: number[]): NamedTensors =>
          new Map([["v", tensorOf(Float32Array.of(1), [])], ...named(...values)]);
        const mean = new WeightedMean(two(clean));
        mean.add(two(clean), 3, "first");
        const error = thrown(() => mean.add(two(clean.with(index, bad)), 1, "k"));
        expect(error.code).toBe("training.non-finite");
        expect(error.message).toBe(
          `Expected finite numbers in tensor "w" of k, found ${bad} at index ${index}. The contribution was not used.`,
        );
        expect(error.details).toEqual({ origin: "k", tensor: "w", index });
        expect(mean.result()).toEqual(two(clean));
      }
    },
  );

  it("refuses infinities that cancel out, and accepts the largest numbers", () => {
    const mean = new WeightedMean(named(0, 0));
    expect(thrown(() => mean.add(named(Infinity, -Infinity), 1, "k")).code).toBe("training.non-finite");
    const largest: NamedTensors = new Map([["w", tensorOf(new Float64Array(8).fill(1.7e308), [8])]]);
    expect(meanOf([largest, 5])).toEqual(largest);
  });

  it.each([-1, Number.NaN, Infinity])("refuses the weight %f", (weight) => {
    expect(() => new WeightedMean(named(1)).add(named(1), weight, "k")).toThrow(
      new RangeError(`Expected the weight of k to be a number of samples, found ${weight}.`),
    );
  });
});
