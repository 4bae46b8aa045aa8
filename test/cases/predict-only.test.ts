import { createEngine, createGraphCompiler } from "@stampede/runtime";
import { beforeAll, expect, it } from "vitest";
import { isWithin } from "./compare.js";
import { dataOf } from "./data.js";
import { predictOnlyCases } from "./families/predict-only.js";
import { infer, inferredRows } from "./infer.js";
import { fieldsOf, prepare } from "./prepare.js";
import { compareInference } from "./run-case.js";
import { tfjsReference } from "./tfjs-reference.js";

beforeAll(async () => {
  await createEngine("tfjs-cpu");
});

const named = predictOnlyCases.map((each) => [each.name, each] as const);

it.each(named)("%s: predictions as in tfjs, which cannot train it, and neither can the graph", async (_, each) => {
  const prepared = prepare(each);
  const { definition, weights, data, batchSize } = prepared;
  const rows = dataOf(each, inferredRows, 2);
  const compiler = await createGraphCompiler(definition);
  const session = await (await createEngine("compiled")).open(definition, compiler);
  try {
    await session.load(weights);
    const expected = await tfjsReference.infer(prepared, weights, rows);
    const agreements = compareInference(expected, await infer(session, rows));
    expect(agreements.filter((agreement) => !isWithin(agreement))).toEqual([]);
    const request = { kind: "train", batchSize, fields: fieldsOf(data) } as const;
    expect(() => compiler.compile(request)).toThrow("Expected a model that can be compiled");
  } finally {
    session.close();
    compiler.dispose();
  }
});
