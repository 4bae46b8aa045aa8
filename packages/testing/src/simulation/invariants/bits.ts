import { isDeepStrictEqual } from "node:util";
import { hashTensors, keys } from "@stampede/core";
import { baselineOf, checkpointsOf, isCheckpoint, isOutput, roundsIn, type Baseline } from "../baseline.js";
import { contentOf } from "../outputs.js";
import type { History, JobHistory } from "../simulation.js";
import { weightsIn } from "../stored-weights.js";
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
      ...(await wrongRounds(history, job, baseline)),
      ...wrongOutputs(history, job, baseline),
      ...(await wrongCheckpoints(history, job)),
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

async function wrongRounds(
  { ledger }: History,
  { spec }: JobHistory,
  baseline: Baseline,
): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const { round, weightsSha256, metrics, validation } of roundsIn(ledger, spec.job)) {
    const stored = hashTensors(await weightsIn(ledger, spec.job, round));
    const expected = baseline.rounds[round - 1];
    // The records of rounds in slices leave it out, but for the last one's.
    for (const seen of [
      { weightsSha256: weightsSha256 ?? stored, metrics, validation },
      { ...expected, weightsSha256: stored },
    ]) {
      if (isDeepStrictEqual(seen, expected)) continue;
      const message = `round ${round} contains ${JSON.stringify(seen)}, not ${JSON.stringify(expected)}`;
      found.push({ rule: "same-bits", message });
    }
  }
  return found;
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

/** Also work that is not finished is the same, whoever keeps it. Only what a task begins with is none of the undisturbed run's. */
async function wrongCheckpoints({ ledger }: History, { spec, plan }: JobHistory): Promise<readonly Violation[]> {
  const folder = keys.job(spec.job);
  const kept = ledger.writes.filter(({ key }) => key.startsWith(folder) && isCheckpoint(key) && !/-0+\.\w+$/.test(key));
  if (kept.length === 0) return [];
  const expected = await checkpointsOf(plan.shape);
  return kept.flatMap(({ key, body, who }) => {
    if (contentOf(key, body) === expected.get(key.slice(folder.length))) return [];
    return [{ rule: "same-bits", message: `${who} kept other bits in ${key} than an undisturbed task` }];
  });
}
