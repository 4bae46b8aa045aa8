import { violationsOf } from "./invariants/check.js";
import type { Violation } from "./invariants/violation.js";
import type { Scenario } from "./scenario.js";
import { simulate, type History, type SimulationOptions } from "./simulation.js";

export interface Verdict {
  readonly history: History;
  readonly violations: readonly Violation[];
}

/** Lets a scenario happen, and looks whether it broke a promise. */
export async function judge(scenario: Scenario, options: SimulationOptions = {}): Promise<Verdict> {
  const history = await simulate(scenario, options);
  return { history, violations: await violationsOf(history) };
}
