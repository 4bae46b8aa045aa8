import { uniformStream } from "@stampede/core";
import { withSeededRandom } from "@stampede/runtime";
import { afterEach, expect, it } from "vitest";

const original = Math.random;

afterEach(() => {
  expect(Math.random).toBe(original);
});

const draw = (count: number): number[] => Array.from({ length: count }, () => Math.random());
const streamOf = (key: number, count: number): number[] => {
  const next = uniformStream(key);
  return Array.from({ length: count }, () => next());
};

it("replaces Math.random by the stream of the key and puts it back", () => {
  expect(withSeededRandom(3, () => draw(4))).toEqual(streamOf(3, 4));
});

it("puts Math.random back when the function throws or rejects", async () => {
  const fail = (): never => {
    throw new Error("on purpose");
  };
  expect(() => withSeededRandom(3, fail)).toThrow("on purpose");
  expect(Math.random).toBe(original);
  await expect(withSeededRandom(3, () => Promise.reject(new Error("later")))).rejects.toThrow("later");
});

it("keeps the stream until a promise settles", async () => {
  const drawn = await withSeededRandom(5, async () => {
    const first = draw(2);
    await Promise.resolve();
    return [...first, ...draw(2)];
  });
  expect(drawn).toEqual(streamOf(5, 4));
});

it("gives an inner call its own stream, and the outer one goes on where it was", () => {
  const [before, inner, after] = withSeededRandom(1, () => [draw(1), withSeededRandom(2, () => draw(2)), draw(1)]);
  expect(inner).toEqual(streamOf(2, 2));
  expect([...before, ...after]).toEqual(streamOf(1, 2));
});

it("survives replacements that end in the order in which they began", async () => {
  const release: (() => void)[] = [];
  const pending = (): Promise<void> => new Promise((resolve) => release.push(resolve));
  const first = withSeededRandom(1, pending);
  const second = withSeededRandom(2, pending);
  release[0]?.();
  await first;
  expect(draw(1)).toEqual(streamOf(2, 1));
  release[1]?.();
  await second;
});
