import { fc, test } from "@fast-check/vitest";
import { nearest } from "@stampede/core";
import { expect } from "vitest";

fc.configureGlobal({ seed: 1 });

const word = fc.stringMatching(/^[a-z]{6,20}$/);

test.prop([fc.string(), fc.array(fc.string())])("the answer is a candidate", (name, candidates) => {
  const found = nearest(name, candidates);
  if (found !== undefined) expect(candidates).toContain(found);
});

test.prop([word, fc.array(word), fc.nat()])(
  "a candidate itself is the nearest, in any case and with any separators",
  (name, others, at) => {
    const spelt = `${name.slice(0, at % 6)}_${name.slice(at % 6)}`.toUpperCase();
    expect(nearest(name, [...others, name])).toBe(name);
    expect(nearest(spelt, [name])).toBe(name);
  },
);

test.prop([word, fc.nat(), fc.constantFrom("drop", "double", "change", "swap"), fc.constantFrom("x", "q")])(
  "one slip in six letters or more is forgiven",
  (name, place, slip, letter) => {
    const at = place % (name.length - 1);
    const [head, here, next, tail] = [name.slice(0, at), name[at] ?? "", name[at + 1] ?? "", name.slice(at + 2)];
    const slips = {
      drop: head + next + tail,
      double: head + here + here + next + tail,
      change: head + letter + next + tail,
      swap: head + next + here + tail,
    };
    expect(nearest(slips[slip], [name])).toBe(name);
  },
);

test.prop([word, word])("nearness does not depend on the direction", (a, b) => {
  expect(nearest(a, [b]) === undefined).toBe(nearest(b, [a]) === undefined);
});
