import * as z from "zod";

/** Round numbers are 1-based; round 0 is the state before training. */
export const Round = z.number().int().min(0).max(999_999);
/** Partition indices are 0-based. */
export const Partition = z.number().int().min(0).max(99_999);

/** Slices of the weights, the parts in which they are averaged, and groups of partitions are 0-based. */
export const Slice = z.number().int().min(0).max(9_999);
export const Part = z.number().int().min(0).max(9_999);
export const Group = z.number().int().min(0).max(9_999);

/**
 * What a job is doing: one set of tasks, one a partition. `train` commits deltas of its round; `evaluate` and
 * `predict` use the weights committed by its round.
 */
export const Stage = z.strictObject({ kind: z.enum(["train", "evaluate", "predict"]), round: Round });
export type Stage = z.infer<typeof Stage>;
export type StageKind = Stage["kind"];
