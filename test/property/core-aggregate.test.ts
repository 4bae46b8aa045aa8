import { fc, test } from "@fast-check/vitest";
import { tensorOf, WeightedMean, type NamedTensors } from "@stampede/core";
import { expect } from "vitest";
import { factsOf } from "./core-tensors.js";

fc.configureGlobal({ seed: 1 });

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
const weight = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 29 - 1 }));

interface Part {
  readonly values: readonly number[];
  readonly step: number;
  readonly weight: number;
}
const parts = fc.integer({ min: 0, max: 11 }).chain((length) =>
  fc.array(
    fc.record({ values: fc.array(finite, { minLength: length, maxLength: length }), step: fc.integer(), weight }),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
);

const tensorsOf = ({ values, step }: Part): NamedTensors =>
  new Map([
    ["w", tensorOf(Float32Array.from(values), [values.length])],
    ["step", tensorOf(Int32Array.of(step), [])],
  ]);

function mean(list: readonly Part[]): NamedTensors {
  const first = list[0];
  const template = first === undefined ? new Map() : tensorsOf(first);
  const sum = new WeightedMean(template);
  for (const part of list) sum.add(tensorsOf(part), part.weight, "part");
  return sum.result();
}

/** The least common scale of all float32 numbers: multiples of 2^-149. */
function scaled(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const raw = bits.getUint32(0);
  const exponent = (raw >>> 23) & 0xff;
  const mantissa = BigInt(raw & 0x7fffff) + (exponent === 0 ? 0n : 0x800000n);
  const magnitude = mantissa << BigInt(Math.max(0, exponent - 1));
  return raw >>> 31 === 1 ? -magnitude : magnitude;
}

test.prop([parts])("is the sum of weight * value over the sum of weights, in float64 and in order", (list) => {
  const total = list.reduce((sum, part) => sum + part.weight, 0);
  fc.pre(total > 0);
  const [first] = list;
  const expected = (first?.values ?? []).map((_, i) => {
    const sum = list
      .filter((part) => part.weight > 0)
      .reduce((acc, part) => acc + part.weight * (part.values[i] ?? 0), -0);
    return Math.fround(sum / total);
  });
  const step = list.find((part) => part.weight > 0)?.step ?? 0;
  expect(factsOf(mean(list))).toEqual(factsOf(tensorsOf({ values: expected, step, weight: 1 })));
});

test.prop([parts])("is the exact mean but for the rounding of float64", (list) => {
  const total = list.reduce((sum, part) => sum + BigInt(part.weight), 0n);
  fc.pre(total > 0n);
  const result = mean(list).get("w")?.data ?? [];
  for (const [i, found] of result.entries()) {
    const sum = list.reduce((acc, part) => acc + BigInt(part.weight) * scaled(part.values[i] ?? 0), 0n);
    const magnitude = list.reduce(
      (acc, part) => acc + BigInt(part.weight) * BigInt(Math.abs(Number(scaled(part.values[i] ?? 0)))),
      0n,
    );
    // |found - sum / total| <= half a unit of float32 + 8 roundings of float64, all times total and the scale.
    const error = scaled(found) * total - sum;
    const allowed = (magnitude >> 48n) + (BigInt(Math.abs(Number(scaled(found)))) * total) / 2n ** 24n + total;
    expect(error < 0n ? -error : error).toBeLessThanOrEqual(allowed);
  }
});

test.prop([parts, fc.nat()])("contributors without weight change nothing, wherever they stand", (list, place) => {
  const [first] = list;
  fc.pre(first !== undefined && list.some((part) => part.weight > 0));
  const values = first?.values.map(() => 12345) ?? [];
  const at = place % (list.length + 1);
  expect(factsOf(mean(list.toSpliced(at, 0, { values, step: 99, weight: 0 })))).toEqual(factsOf(mean(list)));
});

test.prop([parts, weight])("contributors that agree give their values, bit for bit", ([part], other) => {
  fc.pre(part !== undefined && part.weight + other > 0 && part.weight + other < 2 ** 29);
  if (part === undefined) return;
  expect(factsOf(mean([part, { ...part, weight: other }]))).toEqual(factsOf(tensorsOf(part)));
});

test.prop([parts])("lies between the smallest and the largest value", (list) => {
  const weighty = list.filter((part) => part.weight > 0);
  fc.pre(weighty.length > 0);
  for (const [i, found] of (mean(list).get("w")?.data ?? []).entries()) {
    const column = weighty.map((part) => part.values[i] ?? 0);
    const slack = Math.max(...column.map(Math.abs)) * 2 ** -40;
    expect(found).toBeGreaterThanOrEqual(Math.fround(Math.min(...column) - slack));
    expect(found).toBeLessThanOrEqual(Math.fround(Math.max(...column) + slack));
  }
});

/** Float64 and whole numbers too: what is stored of them is another thing. */
const mixedOf = ({ values, step }: Part): NamedTensors =>
  new Map([
    ["w", tensorOf(Float32Array.from(values), [values.length])],
    [
      "double",
      tensorOf(
        Float64Array.from(values, (value) => value / 3),
        [values.length],
      ),
    ],
    ["step", tensorOf(Int32Array.of(step), [])],
  ]);

function sumOf(list: readonly Part[], template: NamedTensors): WeightedMean {
  const sum = new WeightedMean(template);
  for (const part of list) sum.add(mixedOf(part), part.weight, "part");
  return sum;
}

test.prop([parts])("what all have come to, added to nothing, is their mean bit for bit", (list) => {
  const [first] = list;
  fc.pre(first !== undefined);
  const template = first === undefined ? new Map() : mixedOf(first);
  const sum = new WeightedMean(template);
  sum.addPartial(sumOf(list, template).partial(), "all");
  expect(factsOf(sum.result())).toEqual(factsOf(sumOf(list, template).result()));
});

test.prop([parts, fc.nat()])("groups are added up as one contribution each", (list, cut) => {
  const [first] = list;
  const total = list.reduce((sum, part) => sum + part.weight, 0);
  fc.pre(first !== undefined && total > 0);
  const template = first === undefined ? new Map() : mixedOf(first);
  const at = cut % (list.length + 1);
  const groups = [list.slice(0, at), [], list.slice(at)];
  const sum = new WeightedMean(template);
  for (const group of groups) sum.addPartial(sumOf(group, template).partial(), "group");
  const expected = (first?.values ?? []).map((_, i) => {
    const sums = groups.map((group) =>
      group
        .filter((part) => part.weight > 0)
        .reduce((acc, part) => acc + part.weight * Math.fround(part.values[i] ?? 0), -0),
    );
    return Math.fround(sums.reduce((acc, own) => acc + own, -0) / total);
  });
  const found = sum.result();
  expect([...(found.get("w")?.data ?? [])]).toEqual(expected);
  expect(found.get("step")?.data[0]).toBe(list.find((part) => part.weight > 0)?.step);
});

test.prop([parts])("what some have come to is of other types than a contribution, and taken for none", ([part]) => {
  fc.pre(part !== undefined && part.values.length > 0);
  if (part === undefined) return;
  const template = mixedOf(part);
  const partial = sumOf([part], template).partial();
  expect(() => new WeightedMean(template).add(partial.tensors, 1, "a partial")).toThrow(/float32/);
  expect(() => new WeightedMean(template).addPartial({ tensors: template, weight: 1 }, "a delta")).toThrow(/float64/);
});
