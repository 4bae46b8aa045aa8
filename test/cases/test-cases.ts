import { createEngine } from "@stampede/runtime";
import { beforeAll, expect, it } from "vitest";
import type { Case } from "./case.js";
import { isWithin, ratioOf } from "./compare.js";
import { runCase } from "./run-case.js";

/** One test a case. */
export function testCases(cases: readonly Case[], options: Parameters<typeof runCase>[1] = {}): void {
  beforeAll(async () => {
    // The backend that programs build their models on.
    await createEngine("tfjs-cpu");
  });

  const named = cases.map((each) => [each.name, each] as const);
  it.each(named)("%s: ten steps, evaluation and predictions as in tfjs", async (_, each) => {
    const { weights, agreements } = await runCase(each, options);
    const apart = agreements.filter((agreement) => !isWithin(agreement));
    expect(apart.map((agreement) => ({ ...agreement, ratio: ratioOf(agreement) }))).toEqual([]);
    expect(weights.scale).toBeGreaterThan(1e-3);
  });
}
