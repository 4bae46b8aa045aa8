import { fc, test } from "@fast-check/vitest";
import { deltaNorm, moveDelta, shortenDelta, tensorOf, type NamedTensors } from "@stampede/core";
import { describe, expect, it } from "vitest";

const named = (data: Float32Array | Float64Array): NamedTensors =>
  new Map([
    ["w", tensorOf(data, [data.length])],
    ["steps", tensorOf(Int32Array.of(7), [])],
  ]);

/** Moderate values: the laws below are about arithmetic, not about overflow. */
const value = fc.float({ noNaN: true, min: -1000, max: 1000 });
const pair = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 9 }).map((pairs) => ({
  before: named(Float32Array.from(pairs, ([before]) => before)),
  after: named(Float32Array.from(pairs, ([, after]) => after)),
}));

function naiveNorm(before: NamedTensors, after: NamedTensors): number {
  const base = before.get("w")?.data ?? [];
  return Math.hypot(...Array.from(after.get("w")?.data ?? [], (to, i) => (base[i] ?? 0) - to));
}

test.prop([pair])("the norm is that of all differences", ({ before, after }) => {
  expect(deltaNorm(before, after)).toBeCloseTo(naiveNorm(before, after), 6);
});

test.prop([pair, fc.double({ min: 0, max: 1, noNaN: true })])(
  "a shortened delta is as long as was asked for",
  ({ before, after }, factor) => {
    const wanted = factor * deltaNorm(before, after);
    // What float32 can tell apart at this size.
    expect(Math.abs(deltaNorm(before, shortenDelta(before, after, factor)) - wanted)).toBeLessThan(1e-3);
  },
);

test.prop([pair])("a delta that is moved to where it was made stays as it is", ({ before, after }) => {
  expect(deltaNorm(after, moveDelta(after, before, before))).toBeLessThan(1e-3);
});

test.prop([pair, pair])("a delta that is moved keeps its length", ({ before, after }, { before: other }) => {
  const onto = named(Float32Array.from(before.get("w")?.data ?? [], (_, i) => other.get("w")?.data[i] ?? i));
  expect(deltaNorm(onto, moveDelta(after, before, onto))).toBeCloseTo(deltaNorm(before, after), 2);
});

describe("numbers that are not finite", () => {
  const zero = named(Float32Array.of(0, 0, 0));

  it.each([Number.NaN, Infinity, -Infinity])("%f makes the norm that too", (bad) => {
    for (const at of [0, 1, 2]) {
      const after = named(Float32Array.from([1, 1, 1], (one, i) => (i === at ? bad : one)));
      expect(Number.isFinite(deltaNorm(zero, after))).toBe(false);
    }
  });

  it("finite float64 values whose squares overflow have a finite norm", () => {
    const wide = named(Float64Array.of(1e200, 1));
    expect(deltaNorm(named(Float64Array.of(0, 0)), wide)).toBe(Number.MAX_VALUE);
  });

  it("an empty model has none", () => {
    expect(deltaNorm(new Map(), new Map())).toBe(0);
  });
});

it("integers are counters, not lengths: they count nothing and stay those of the executor", () => {
  const [before, after] = [named(Float32Array.of(1)), named(Float32Array.of(1))];
  after.get("steps")?.data.set([99]);
  expect(deltaNorm(before, after)).toBe(0);
  expect(shortenDelta(before, after, 0.5).get("steps")?.data[0]).toBe(99);
  expect(moveDelta(after, before, before).get("steps")?.data[0]).toBe(99);
});
