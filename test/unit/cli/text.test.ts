import { columnsOf, count, cut, duration, metric, metrics, printable, shellWord, table } from "@stampede/cli";
import { expect, it } from "vitest";

it.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [1_234_567, "1,234,567"],
])("counts %d as %s", (value, shown) => {
  expect(count(value)).toBe(shown);
});

it.each([
  [0, "0.0 s"],
  [9949, "9.9 s"],
  [9950, "10 s"],
  [59_499, "59 s"],
  [59_500, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [3_599_600, "1 h 00 min"],
  [7_620_000, "2 h 07 min"],
  [-5, "0.0 s"],
])("shows %d ms as %s", (milliseconds, shown) => {
  expect(duration(milliseconds)).toBe(shown);
});

it.each([
  [0, "0.0000"],
  [0.97444, "0.9744"],
  [0.000_04, "4.000e-5"],
  [-1_500_000, "-1.500e+6"],
])("shows the metric %d as %s", (value, shown) => {
  expect(metric(value)).toBe(shown);
});

it("names the loss first", () => {
  expect(metrics({ accuracy: 0.5, loss: 0.25 })).toBe("loss 0.2500, accuracy 0.5000");
});

it("keeps escape sequences of foreign text away from the terminal", () => {
  expect(printable("name\u001b[2J\nnext")).toBe("name [2J next");
});

it("does not count colours as columns and never cuts through them", () => {
  const red = "\u001b[31mabcdef\u001b[39m";
  expect(columnsOf(red)).toBe(6);
  expect(cut(red, 3)).toBe("\u001b[31mabc\u001b[0m");
  expect(cut(red, 6)).toBe(red);
  expect(cut("abc", 2)).toBe("ab");
});

it("reckons with wide characters", () => {
  expect(columnsOf("数字")).toBe(4);
  expect(cut("数字", 3)).toBe("数");
  expect(columnsOf("█░ ·")).toBe(4);
});

it.each([
  ["job.yaml", "job.yaml"],
  ["training.epochs=3", "training.epochs=3"],
  ["my job.yaml", "'my job.yaml'"],
  ["it's", String.raw`'it'\''s'`],
])("quotes %s for a shell as %s", (word, quoted) => {
  expect(shellWord(word)).toBe(quoted);
});

it("aligns columns and leaves no blanks at the end", () => {
  expect(
    table([
      ["A", "LONG", ""],
      ["abc", "x", ""],
    ]),
  ).toEqual(["A    LONG", "abc  x"]);
});
