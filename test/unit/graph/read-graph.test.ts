import { isStampedeError } from "@stampede/core";
import { readManifest, type GraphManifest } from "@stampede/graph/format";
import { expect, it } from "vitest";
import { manifestKey, GraphBuilder, encodeModel } from "@stampede/graph/internals";

const manifest: GraphManifest = {
  version: 1,
  kind: "predict",
  fields: [],
  variables: [{ name: "a/kernel", input: "variable/a/kernel", dtype: "float32", shape: [2, 3], isWritten: false }],
  anchors: [],
  pools: [],
  poolLength: 0,
  draws: [],
  outputs: ["y"],
  flops: 12,
  places: [],
  madeWith: { stampede: "1", tfjs: "4.22.0" },
};

function file(metadata: Record<string, string>): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder();
  const graph = g.finish([{ name: "y", value: g.input("x", "float32", [1]) }]);
  return encodeModel(graph, { name: "test", metadata: () => metadata });
}

function refusal(bytes: Uint8Array): string {
  try {
    readManifest(bytes, "jobs/j/graph/predict.onnx");
  } catch (error) {
    if (isStampedeError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("expected a refusal");
}

it("reads the manifest that the compiler wrote", () => {
  expect(readManifest(file({ other: "x", [manifestKey]: JSON.stringify(manifest) }), "here")).toEqual(manifest);
});

it.each([
  { what: "an ONNX file of somebody else", bytes: file({ producer: "pytorch" }), says: "without Stampede's manifest" },
  { what: "a manifest that is no JSON", bytes: file({ [manifestKey]: "{" }), says: "no JSON" },
  { what: "another file", bytes: new TextEncoder().encode("PK\u0003\u0004 not a graph at all"), says: "found" },
  { what: "an empty file", bytes: new Uint8Array(), says: "without Stampede's manifest" },
])("refuses $what", ({ bytes, says }) => {
  const message = refusal(bytes);
  expect(message).toMatch(/^graph\.invalid: /);
  expect(message).toContain(says);
  expect(message).toContain("jobs/j/graph/predict.onnx");
});

it("refuses a manifest with a field that is not allowed, and names it", () => {
  const message = refusal(file({ [manifestKey]: JSON.stringify({ ...manifest, kind: "explode" }) }));
  expect(message).toContain("kind");
});

it("refuses a file that is cut off anywhere", () => {
  const bytes = file({ [manifestKey]: JSON.stringify(manifest) });
  for (let length = 0; length < bytes.length; length += 7) {
    expect(refusal(bytes.subarray(0, length))).toMatch(/^graph\.invalid: /);
  }
});
