import {
  kernelsOf,
  mergeMetrics,
  type Contribution,
  type DeltaRecord,
  type JobEvent,
  type RoundRecord,
} from "@stampede/core";

type RoundFinished = Extract<JobEvent, { event: "round.finished" }>;

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
  const { partition, attempt, attemptId, examples, computeMs, metrics } = record;
  const { tookMs, norm, memoryBytes, blocks, block, kernelReason } = record;
  return {
    partition,
    attempt,
    attemptId,
    examples,
    computeMs,
    ...(tookMs !== undefined && { tookMs }),
    ...(norm !== undefined && { norm }),
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(blocks !== undefined && { blocks }),
    ...(block !== undefined && { block }),
    ...(kernelReason !== undefined && { kernelReason }),
    metrics,
  };
}

function lateContributionOf(record: DeltaRecord): Contribution {
  return { ...contributionOf(record), lateFrom: record.round };
}

/** What `round.finished` says of the kernels that trained a round: no blocks where those of every processor trained all of it. */
export function kernelFacts({
  contributions,
}: Pick<RoundRecord, "contributions">): Pick<RoundFinished, "blocks" | "kernelReason"> {
  const blocks = kernelsOf(contributions);
  const kernelReason = contributions.find((each) => each.kernelReason !== undefined)?.kernelReason;
  return {
    ...((blocks.length !== 1 || blocks[0] !== 0) && { blocks }),
    ...(kernelReason !== undefined && { kernelReason }),
  };
}

/** Of numbers that none is left out of; 0 of none. */
export function lowerMedian(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}
