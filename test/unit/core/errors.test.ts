import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorCatalogue, isStampedeError, StampedeError, toErrorFacts, type ErrorEntry } from "@stampede/core";
import { describe, expect, it } from "vitest";

const catalogue: Readonly<Record<string, ErrorEntry>> = errorCatalogue;

describe("the error catalogue", () => {
  it.each(Object.entries(catalogue))("has a cause and a remedy for %s", (code, { cause, remedy, retryable, input }) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/);
    expect(cause).toMatch(/^[A-Z].{10,}\.$/);
    expect(remedy).toMatch(/^[A-Z].{10,}\.$/);
    expect(retryable && input).toBe(false);
  });

  it("is the table in the README of the package", () => {
    const readme = readFileSync(join(import.meta.dirname, "../../../packages/core/README.md"), "utf8");
    const table = /<!-- errors:begin -->(.*?)<!-- errors:end -->/s.exec(readme)?.[1] ?? "";
    // The formatter pads the cells.
    const plain = table.trim().replaceAll(/ +\|/g, " |").replaceAll(/-{3,}/g, "---");
    const kind = ({ retryable, input }: ErrorEntry): string => (input ? "input" : retryable ? "retried" : "final");
    const rows = Object.entries(catalogue).map(([code, entry]) => {
      return `| \`${code}\` | ${kind(entry)} | ${entry.cause} | ${entry.remedy} |`;
    });
    // When this fails, paste the received text between the markers and run `npm run format`.
    expect(["| code | kind | cause | what to do |", "| --- | --- | --- | --- |", ...rows].join("\n")).toBe(plain);
  });
});

describe("StampedeError", () => {
  it("knows its code, its evidence and its cause", () => {
    const cause = new Error("disk");
    const error = new StampedeError("store.full", "m", { details: { key: "k", bytes: undefined }, cause });
    expect(error).toMatchObject({ name: "StampedeError", code: "store.full", message: "m", cause });
    expect(error.details).toEqual({ key: "k" });
    expect([error.retryable, error.isInputError]).toEqual([false, false]);
    expect("cause" in new StampedeError("store.full", "m")).toBe(false);
  });

  it("takes from the catalogue what may be retried and what is the user's to mend", () => {
    expect(new StampedeError("store.unavailable", "m").retryable).toBe(true);
    expect(new StampedeError("job-file.invalid", "m").isInputError).toBe(true);
  });

  it("is known also when it comes from another copy of the package", () => {
    const copy = Object.assign(new Error("m"), { code: "store.full", details: {} });
    expect(isStampedeError(copy)).toBe(true);
    for (const other of [
      new Error("m"),
      Object.assign(new Error("m"), { code: "ENOENT", details: {} }),
      { code: "store.full", details: {} },
      null,
    ]) {
      expect(isStampedeError(other)).toBe(false);
    }
  });

  it("crosses processes as facts; foreign errors keep their stack", () => {
    expect(toErrorFacts(new StampedeError("task.crashed", "m"))).toEqual({
      code: "task.crashed",
      message: "m",
      retryable: true,
    });
    const foreign = toErrorFacts(new TypeError("x is not a function"));
    expect(foreign).toMatchObject({ code: "internal.unexpected", retryable: true });
    expect(foreign.message).toMatch(/^TypeError: x is not a function\n\s+at /);
    expect(toErrorFacts("text").message).toBe("text");
  });
});
