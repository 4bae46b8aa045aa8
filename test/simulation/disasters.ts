import { campaign, failureLine, judge, scenarioOf, shrink } from "@stampede/testing/simulation";
import { expect } from "vitest";

/** Plays seeds. One that breaks a promise fails the test with the least that it takes, and the command that plays it again. */
export async function expectNoBrokenPromise(from: number, seeds: number): Promise<void> {
  const { failed, ...summary } = await campaign({ from, seeds, maxFailed: 3 });
  const lines: string[] = [];
  for (const each of failed) {
    const scenario = scenarioOf(each.seed);
    lines.push(failureLine(each, await shrink(scenario, await judge(scenario))));
  }
  expect(lines).toEqual([]);
  expect(summary.seeds).toBe(seeds);
}
