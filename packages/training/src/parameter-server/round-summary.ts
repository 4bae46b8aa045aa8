import { mergeMetrics, type Contribution, type DeltaRecord, type RoundRecord } from "@stampede/core";

/** What is said of a round beside its weights. */
export type RoundSummary = Pick<RoundRecord, "contributions" | "metrics" | "validation">;

/** @param records of the deltas that count, in the order of partitions */
export function summaryOf(records: readonly DeltaRecord[], late: readonly DeltaRecord[]): RoundSummary {
  const validations = records.flatMap(({ validation }) => (validation === undefined ? [] : [validation]));
  return {
    contributions: [...records.map(contributionOf), ...late.map(lateContributionOf)],
    metrics: mergeMetrics(records.map(({ metrics }) => metrics)),
    ...(validations.length > 0 && { validation: mergeMetrics(validations) }),
  };
}

export function contributionOf(record: DeltaRecord): Contribution {
  const { partition, attempt, attemptId, examples, computeMs, tookMs, norm, memoryBytes, block, metrics } = record;
  return {
    partition,
    attempt,
    attemptId,
    examples,
    computeMs,
    ...(tookMs !== undefined && { tookMs }),
    ...(norm !== undefined && { norm }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(block !== undefined && { block }),
    metrics,
  };
}

function lateContributionOf(record: DeltaRecord): Contribution {
  return { ...contributionOf(record), lateFrom: record.round };
}

/** The blocks of the kernels that trained a round, 0 for those of every processor; undefined where those trained all of it. */
export function kernelBlocks({ contributions }: Pick<RoundRecord, "contributions">): number[] | undefined {
  const blocks = [...new Set(contributions.map(({ block = 0 }) => block))].toSorted((a, b) => b - a);
  return blocks.every((block) => block === 0) ? undefined : blocks;
}

/** Of numbers that none is left out of; 0 of none. */
export function lowerMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}
