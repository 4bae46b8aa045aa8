import { placeOf } from "@stampede/graph/format";
import { Places } from "@stampede/graph/internals";
import fc from "fast-check";
import { expect, it } from "vitest";

it("writes a layer once for the operations in it that follow each other", () => {
  const places = new Places();
  const origins = ["words/Gather", "words/Add", "dense/Add", "optimizer", "dense/Mul", "words/Add"];
  expect(origins.map((origin) => places.nameOf(origin))).toEqual(["0", "1", "2", "3", "4", "1a"]);
  expect(places.list()).toEqual(["words/Gather", "/Add", "dense/Add", "optimizer", "dense/Mul"]);
});

it("finds the place that a name stands for, also when onnxruntime has added to it", () => {
  const places = ["words/Gather", "/Add"];
  expect(placeOf(places, "1b/MatMulAddFusion")).toBe("words/Add");
  expect(["", "2", "fused 1", "-1"].map((name) => placeOf(places, name))).toEqual(["", "", "", ""]);
});

it("gives every node another name, and finds its place again", () => {
  const name = fc.stringMatching(/^[a-z']{1,3}$/);
  const origin = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.array(origin), (origins) => {
      const places = new Places();
      const names = origins.map((each) => places.nameOf(each));
      expect(new Set(names).size).toBe(origins.length);
      expect(names.map((each) => placeOf(places.list(), each))).toEqual(origins);
    }),
  );
});
