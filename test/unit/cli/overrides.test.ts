import { applyOverrides, parseOverride } from "@stampede/cli";
import fc from "fast-check";
import { expect, it } from "vitest";

const set = (value: unknown, ...options: string[]): unknown =>
  applyOverrides(
    value,
    options.map((option) => parseOverride("--set", option)),
  );

it("reads the value as YAML", () => {
  expect(set({}, "a=4", "b=text", "c=[1, 2]", "d={ x: true }", "e=", "f=1e-3", "g=a=b")).toEqual({
    a: 4,
    b: "text",
    c: [1, 2],
    d: { x: true },
    e: null,
    f: 0.001,
    g: "a=b",
  });
});

it("replaces a field and leaves the rest, and the given value itself, alone", () => {
  const file = { training: { executors: 2, epochs: 5 }, name: "x" };
  expect(set(file, "training.executors=4")).toEqual({ training: { executors: 4, epochs: 5 }, name: "x" });
  expect(file.training.executors).toBe(2);
});

it("makes maps that are not there, also in place of null", () => {
  expect(set({ training: null }, "training.frequency.steps=10", "a.b.c=1")).toEqual({
    training: { frequency: { steps: 10 } },
    a: { b: { c: 1 } },
  });
});

it("sets and appends in lists", () => {
  const file = { list: [{ a: 1 }, { a: 2 }] };
  expect(set(file, "list.1.a=3", "list.2=4")).toEqual({ list: [{ a: 1 }, { a: 3 }, 4] });
});

it("changes one of two places that share a YAML anchor", () => {
  const shared = { file: "a.csv" };
  expect(set({ train: shared, validation: shared }, "validation.file=b.csv")).toEqual({
    train: { file: "a.csv" },
    validation: { file: "b.csv" },
  });
});

it.each([
  ["name.first=1", 'found at name: "x", which has no fields'],
  ["list.5=1", "found at list: a list of 1, whose places are 0 ... 1"],
  ["list.first=1", "found at list: a list of 1"],
])("refuses the path of %s", (option, message) => {
  expect(() => set({ name: "x", list: [1] }, option)).toThrow(
    expect.objectContaining({ code: "job-file.invalid", message: expect.stringContaining(message) }),
  );
});

it.each([
  "executors",
  "=4",
  "",
  "a..b=1",
  ".a=1",
  "a b=1",
  "__proto__.x=1",
  "a.constructor.prototype.x=1",
  "a=[1",
  "a=*b",
  "a=!!x 1",
])("refuses the option %j", (option) => {
  expect(() => parseOverride("--set", option)).toThrow(expect.objectContaining({ code: "option.invalid" }));
});

it("never changes the prototype of all objects", () => {
  const step = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "a", "0");
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
      try {
        set({ a: {} }, `${steps.join(".")}=polluted`);
      } catch {
        // Refused: as good as harmless.
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
      expect(Object.hasOwn(Object.prototype, "toString")).toBe(true);
    }),
  );
});
