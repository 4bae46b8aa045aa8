import { chooseCompute } from "@stampede/runtime";
import { expect, it } from "vitest";

const small = 32e6;
const large = 2e9;

it("gives small models one thread: more would wait for each other", () => {
  expect(chooseCompute({ cores: 16, executors: 1, flopsPerBatch: small })).toEqual({ threads: 1, spinning: false });
});

it("gives large models the cores that executors leave free, and lets them spin where nobody else needs those", () => {
  expect(chooseCompute({ cores: 8, executors: 2, flopsPerBatch: large })).toEqual({ threads: 4, spinning: true });
  expect(chooseCompute({ cores: 2, executors: 1, flopsPerBatch: large })).toEqual({ threads: 2, spinning: true });
  expect(chooseCompute({ cores: 2, executors: 2, flopsPerBatch: large })).toEqual({ threads: 1, spinning: false });
});

it("gives no more threads than the work keeps busy", () => {
  expect(chooseCompute({ cores: 64, executors: 1, flopsPerBatch: 206e6 })).toEqual({ threads: 4, spinning: true });
});

it("never counts on cores that are not there", () => {
  expect(chooseCompute({ cores: 2, executors: 8, flopsPerBatch: large })).toEqual({ threads: 1, spinning: false });
  expect(chooseCompute({ cores: 1, executors: 1, flopsPerBatch: large })).toEqual({ threads: 1, spinning: false });
  expect(chooseCompute({ cores: 7, executors: 2, flopsPerBatch: large })).toEqual({ threads: 3, spinning: true });
});
