import { fc, test } from "@fast-check/vitest";
import { deriveKey, permutation, randomUint32, uniformStream } from "@stampede/core";
import { expect } from "vitest";
import { philox } from "../unit/core/philox-reference.js";

fc.configureGlobal({ seed: 1 });

const key = fc.integer({ min: 0, max: 0xffff_ffff });
const counter = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const parts = fc.array(fc.oneof(fc.integer(), fc.string({ maxLength: 5 })), { maxLength: 4 });

test.prop([key, counter])("randomUint32 is the first word of Philox2x32-10", (k, c) => {
  expect(randomUint32(k, c)).toBe(philox(k, BigInt(c))[0]);
});

test.prop([key])("uniformStream takes its blocks one after the other", (k) => {
  const next = uniformStream(k);
  for (const block of [0n, 1n, 2n]) {
    const [high, low] = philox(k, block);
    expect(next()).toBe(((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53);
  }
});

test.prop([fc.nat({ max: 500 }), key])(
  "permutation has every row once, and the same order for the same key",
  (length, k) => {
    const order = permutation(length, k);
    expect([...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length }, (_, row) => row));
    expect(permutation(length, k)).toEqual(order);
  },
);

test.prop([key, key])("permutation of 100 rows differs from key to key", (a, b) => {
  fc.pre(a !== b);
  expect(permutation(100, a)).not.toEqual(permutation(100, b));
});

test.prop([parts, parts])("deriveKey is a function of its parts, and of all of them", (a, b) => {
  expect(deriveKey(...a)).toBe(deriveKey(...a));
  expect(deriveKey(...a) === deriveKey(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
  expect(deriveKey(...a)).not.toBe(deriveKey(...a, 0));
});
