import { isDeepStrictEqual } from "node:util";
import { judge, type Verdict } from "./judge.js";
import type { Violation } from "./invariants/violation.js";
import type { Scenario } from "./scenario.js";
import { simplifications, simplified } from "./simplify.js";

/** A scenario in which little happens, and still too much. */
export interface Shrunk {
  /** The points of the faults that it takes. */
  readonly faults: readonly number[];
  /** Names of simplifications, in the order in which they apply. */
  readonly changes: readonly string[];
  readonly violations: readonly Violation[];
}

/**
 * Takes away from a scenario what its violation does not need: faults (by delta debugging: Zeller and Hildebrandt, "Simplifying and isolating
 * failure-inducing input", 2002), then whatever makes the job and its platform complicated, then faults again.
 *
 * @param first what happened in it
 */
export async function shrink(scenario: Scenario, first: Verdict): Promise<Shrunk | undefined> {
  const rules = new Set(first.violations.map(({ rule }) => rule));
  const breaks = async (changes: readonly string[], faults: readonly number[]): Promise<readonly Violation[]> => {
    const { violations } = await judge(simplified(scenario, changes), { only: new Set(faults) }).catch(failed);
    return violations.filter(({ rule }) => rules.has(rule));
  };
  const all = first.history.injected.map(({ point }) => point);
  // Where the same faults without the weather that made them do something else there is nothing to start from.
  if ((await breaks([], all)).length === 0) return undefined;
  let faults = await fewest(all, async (some) => (await breaks([], some)).length > 0);
  const changes: string[] = [];
  for (const name of simplifications) {
    const isChange = !isDeepStrictEqual(simplified(scenario, changes), simplified(scenario, [...changes, name]));
    if (isChange && (await breaks([...changes, name], faults)).length > 0) changes.push(name);
  }
  faults = await fewest(faults, async (some) => (await breaks(changes, some)).length > 0);
  return { faults, changes, violations: await breaks(changes, faults) };
}

/** A scenario that cannot even be played breaks nothing. */
function failed(): Pick<Verdict, "violations"> {
  return { violations: [] };
}

/** The fewest that still fail, as far as taking away parts of the list leads. */
async function fewest<T>(all: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let kept = all;
  for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(without)) kept = without;
      else at += size;
    }
  }
  return kept;
}
