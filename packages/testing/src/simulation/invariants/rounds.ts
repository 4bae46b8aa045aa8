import {
  decodeTensorRecord,
  DeltaRecord,
  examplesOf,
  keys,
  type Contribution,
  type NamedTensors,
  type RoundRecord,
} from "@stampede/core";
import { roundsIn } from "../baseline.js";
import type { History, JobHistory } from "../simulation.js";
import { weightsIn } from "../stored-weights.js";
import type { Violation } from "./violation.js";

/** Every contribution counts exactly once, with the examples that it must have; without a quorum, every partition's does. */
export async function wrongRoundRecords(history: History): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const job of history.jobs) {
    const rounds = roundsIn(history.ledger, job.spec.job);
    found.push(...rounds.flatMap((record, index) => wrongContributions(record, rounds[index - 1], job)));
    if (job.plan.limits.quorum < 1) found.push(...(await wrongMeans(history, job, rounds)));
  }
  return found;
}

function wrongContributions(
  { round, contributions }: RoundRecord,
  before: RoundRecord | undefined,
  { spec }: JobHistory,
): readonly Violation[] {
  const found: string[] = [];
  const own = contributions.filter(({ lateFrom }) => lateFrom === undefined).map(({ partition }) => partition);
  const late = contributions.filter(({ lateFrom }) => lateFrom !== undefined);
  const { quorum, lateDeltas } = spec.training;
  const least = quorum === 1 ? spec.partitions : Math.max(1, Math.ceil(quorum * spec.partitions));
  if (!isAscending(own)) found.push(`partitions ${own.join(", ")} count`);
  if (own.length < least || own.some((partition) => partition >= spec.partitions)) {
    found.push(`partitions ${own.join(", ")} count, of ${spec.partitions}`);
  }
  if (late.length > 0 && (quorum === 1 || lateDeltas === "discard")) found.push("late deltas count");
  if (!isAscending(late.map(({ partition }) => partition))) found.push("late deltas count twice");
  for (const { partition, lateFrom } of late) {
    const counted = before?.contributions.some((each) => each.partition === partition && each.lateFrom === undefined);
    if (lateFrom !== round - 1 || counted !== false) found.push(`partition ${partition} is late from ${lateFrom}`);
  }
  for (const { partition, examples, lateFrom } of contributions) {
    const expected = examplesOf(spec, lateFrom ?? round, partition);
    if (examples !== expected) found.push(`partition ${partition} counts with ${examples} examples, not ${expected}`);
  }
  return found.map((message) => ({ rule: "each-counts-once", message: `round ${round}: ${message}` }));
}

function isAscending(values: readonly number[]): boolean {
  return values.every((value, index) => index === 0 || value > (values[index - 1] ?? 0));
}

/** The weights of every round are the weighted mean of exactly what its record names, computed here once more. */
async function wrongMeans(
  history: History,
  { spec }: JobHistory,
  rounds: readonly RoundRecord[],
): Promise<readonly Violation[]> {
  const stored = new Map<number, readonly number[]>();
  for (const round of rounds.length === 0 ? [] : [0, ...rounds.map((record) => record.round)]) {
    stored.set(round, valuesIn(await weightsIn(history.ledger, spec.job, round)));
  }
  const weightsOf = (round: number): readonly number[] => stored.get(round) ?? [];
  const deltaOf = ({ partition, attemptId, lateFrom }: Contribution, round: number): readonly number[] => {
    const key = keys.output(spec.job, { kind: "train", round: lateFrom ?? round }, partition);
    for (const write of history.ledger.writes) {
      if (write.key !== key) continue;
      const { record, tensors } = decodeTensorRecord(DeltaRecord, write.body, key);
      if (record.attemptId === attemptId) return valuesIn(tensors);
    }
    return [];
  };
  return rounds.flatMap(({ round, contributions }) => {
    const parts = contributions.map((contribution) => {
      const values = deltaOf(contribution, round);
      if (contribution.lateFrom === undefined) return { values, weight: contribution.examples };
      const [base, onto] = [weightsOf(contribution.lateFrom - 1), weightsOf(round - 1)];
      const moved = values.map((value, i) => Math.fround((onto[i] ?? 0) - ((base[i] ?? 0) - value)));
      return { values: moved, weight: contribution.examples / Math.sqrt(2) };
    });
    const expected = meanOf(parts, weightsOf(round - 1));
    const found = weightsOf(round);
    if (found.every((value, i) => isClose(value, expected[i] ?? Number.NaN))) return [];
    return [{ rule: "weighted-mean", message: `round ${round} is ${found.join()}, not ${expected.join()}` }];
  });
}

interface Part {
  readonly values: readonly number[];
  readonly weight: number;
}

function meanOf(parts: readonly Part[], before: readonly number[]): readonly number[] {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return before;
  return before.map(
    (_, i) => parts.reduce((sum, { values, weight }) => sum + weight * (values[i] ?? Number.NaN), 0) / total,
  );
}

/** Weights are float32. */
function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 2 ** -22 * Math.max(1, Math.abs(a), Math.abs(b));
}

function valuesIn(tensors: NamedTensors): readonly number[] {
  return [...(tensors.get("w")?.data ?? [])];
}
