import { isDeepStrictEqual } from "node:util";
import { keys } from "@stampede/core";
import { baselineOf, isOutput, roundsIn, type Baseline } from "../baseline.js";
import { contentOf } from "../outputs.js";
import type { History, JobHistory } from "../simulation.js";
import type { Violation } from "./violation.js";

/** Same inputs, same bits: whatever went wrong, every commit contains what that of an undisturbed run contains. */
export async function wrongBits(history: History): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const job of history.jobs) {
    // Which deltas a round with a quorum counts depends on the time, and with it all that follows.
    if (job.plan.limits.quorum < 1) continue;
    const baseline = await baselineOf(job.plan.shape);
    found.push(
      ...wrongResult(job, baseline),
      ...wrongRounds(history, job, baseline),
      ...wrongOutputs(history, job, baseline),
    );
  }
  return found;
}

function wrongResult({ result }: JobHistory, baseline: Baseline): readonly Violation[] {
  if (result?.status !== "succeeded") return [];
  const { round, metrics, validation, weightsSha256 } = baseline.result;
  const expected = { round, metrics, validation, weightsSha256 };
  const seen = {
    round: result.round,
    metrics: result.metrics,
    validation: result.validation,
    weightsSha256: result.weightsSha256,
  };
  if (isDeepStrictEqual(seen, expected)) return [];
  return [{ rule: "same-bits", message: `the result is ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}` }];
}

function wrongRounds({ ledger }: History, { spec }: JobHistory, baseline: Baseline): readonly Violation[] {
  return roundsIn(ledger, spec.job).flatMap(({ round, weightsSha256, metrics, validation }) => {
    const seen = { weightsSha256, metrics, validation };
    const expected = baseline.rounds[round - 1];
    if (isDeepStrictEqual(seen, expected)) return [];
    const message = `round ${round} contains ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`;
    return [{ rule: "same-bits", message }];
  });
}

function wrongOutputs({ ledger }: History, { spec }: JobHistory, baseline: Baseline): readonly Violation[] {
  const folder = keys.job(spec.job);
  return ledger.writes.flatMap(({ key, kind, body, who }) => {
    if (kind === "delete" || !key.startsWith(folder) || !isOutput(key)) return [];
    const expected = baseline.outputs.get(key.slice(folder.length));
    if (contentOf(key, body) === expected) return [];
    return [{ rule: "same-bits", message: `${who} wrote other bits to ${key} than an undisturbed task` }];
  });
}
