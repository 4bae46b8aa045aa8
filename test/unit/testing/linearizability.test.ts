import { isLinearizable, type RegisterOperation } from "@stampede/testing/simulation";
import { describe, expect, it } from "vitest";

type Times = readonly [from: number, to: number];

const read = (value: string | undefined, [from, to]: Times): RegisterOperation => ({
  kind: "read",
  value,
  outcome: "done",
  from,
  to,
});
const create = (value: string, outcome: RegisterOperation["outcome"], [from, to]: Times): RegisterOperation => ({
  kind: "create",
  value,
  outcome,
  from,
  to,
});
const replace = (
  expected: string,
  value: string,
  outcome: RegisterOperation["outcome"],
  [from, to]: Times,
): RegisterOperation => ({ kind: "replace", expected, value, outcome, from, to });

describe("histories of a register that can have happened", () => {
  it.each<[string, readonly RegisterOperation[]]>([
    ["nothing", []],
    ["one after the other", [create("a", "done", [0, 1]), read("a", [2, 3]), replace("a", "b", "done", [4, 5])]],
    ["a read beside a write sees it", [create("a", "done", [0, 9]), read("a", [1, 2])]],
    ["a read beside a write does not see it", [create("a", "done", [0, 9]), read(undefined, [1, 2])]],
    ["two creators, one wins", [create("a", "done", [0, 9]), create("b", "conflict", [0, 9]), read("a", [10, 11])]],
    ["what is unclear took effect", [create("a", "unclear", [0, Infinity]), read("a", [5, 6])]],
    ["what is unclear did not take effect", [create("a", "unclear", [0, Infinity]), read(undefined, [5, 6])]],
    [
      "what is unclear takes effect much later",
      [
        create("a", "unclear", [0, Infinity]),
        read(undefined, [5, 6]),
        create("b", "conflict", [7, 8]),
        read("a", [9, 10]),
      ],
    ],
    [
      "a replace that met itself",
      [create("a", "done", [0, 1]), replace("a", "b", "unclear", [2, 3]), replace("b", "c", "done", [4, 5])],
    ],
    [
      "five writers at once",
      ["b", "c", "d", "e", "f"].reduce<RegisterOperation[]>(
        (all, value, index) => [...all, replace("abcde"[index] ?? "", value, "done", [2, 9])],
        [create("a", "done", [0, 1])],
      ),
    ],
  ])("%s", (_, history) => {
    expect(isLinearizable(history)).toBe(true);
    expect(isLinearizable(history.toReversed())).toBe(true);
  });
});

describe("histories of a register that cannot have happened", () => {
  it.each<[string, readonly RegisterOperation[]]>([
    ["a read of what nobody wrote", [create("a", "done", [0, 1]), read("b", [2, 3])]],
    ["a read that misses what was acknowledged", [create("a", "done", [0, 1]), read(undefined, [2, 3])]],
    ["two creators both win", [create("a", "done", [0, 9]), create("b", "done", [0, 9])]],
    [
      "two writers replace the same value",
      [create("a", "done", [0, 1]), replace("a", "b", "done", [2, 9]), replace("a", "c", "done", [2, 9])],
    ],
    ["a conflict without anybody to conflict with", [create("a", "conflict", [0, 1]), read(undefined, [2, 3])]],
    [
      "a value comes back",
      [create("a", "done", [0, 1]), replace("a", "b", "done", [2, 3]), read("b", [4, 5]), read("a", [6, 7])],
    ],
    [
      "two readers see two writes in different orders",
      [
        create("a", "done", [0, 1]),
        replace("a", "b", "unclear", [2, Infinity]),
        read("b", [3, 4]),
        read("a", [5, 6]),
        read("b", [7, 8]),
      ],
    ],
  ])("%s", (_, history) => {
    expect(isLinearizable(history)).toBe(false);
  });

  it("is found out quickly among many operations", () => {
    const history = Array.from({ length: 200 }, (_, index) =>
      index === 0 ? create("0", "done", [0, 1]) : replace(`${index - 1}`, `${index}`, "done", [index, index + 5]),
    );
    expect(isLinearizable([...history, read("199", [300, 301])])).toBe(true);
    expect(isLinearizable([...history, read("198", [300, 301])])).toBe(false);
  });
});
