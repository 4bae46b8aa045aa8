import { redirectConsole } from "@stampede/cli";
import { expect, it } from "vitest";

it("hands over what is printed, line by line, until it is put back", () => {
  const before = globalThis.console;
  const told: string[] = [];
  const restore = redirectConsole((lines) => told.push(...lines));
  try {
    globalThis.console.log("one\ntwo");
    globalThis.console.warn("a number: %d", 3);
    globalThis.console.error("an error");
  } finally {
    restore();
  }
  expect(told).toEqual(["one", "two", "a number: 3", "an error"]);
  expect(globalThis.console).toBe(before);
});
