import * as z from "zod";
import { DatasetId, JobId, ShardingId } from "../ids.js";
import { Field, Part, Shape } from "./dataset.js";
import { DatasetSpec } from "./dataset-spec.js";
import { ErrorRecord } from "./job.js";

const Count = z.number().int().min(0);
const Positive = z.number().int().min(1);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What one sharder function does in one invocation. */
export const ShardStepKind = z.enum(["plan", "hash", "count", "layout", "texts", "merge", "rows", "parts", "commit"]);
export type ShardStepKind = z.infer<typeof ShardStepKind>;
export const ShardStep = z.strictObject({ kind: ShardStepKind, index: Count.max(99_999) });
export type ShardStep = z.infer<typeof ShardStep>;

/** How the work on a data set is cut; the partition files do not depend on it. */
export const ShardLimits = z.strictObject({
  /** Files that have more bytes than this together are worked on by many functions at once. */
  singleBytes: Count,
  /** About so many bytes are read by one step. A multiple of 64. */
  taskBytes: Positive.refine((bytes) => bytes % 64 === 0),
  /** CSV: so far apart are the places whose row number is known. */
  indexBytes: Positive.min(64),
});
export type ShardLimits = z.infer<typeof ShardLimits>;

/** A data set that somebody wants: `shardings/<id>/request.json`. The id is a hash of it. */
export const ShardingRequest = z.strictObject({
  version: z.literal(1),
  dataset: DatasetSpec,
  baseFolder: z.string(),
  /** What the files were when they were asked for, in the order of the data set. Any others are refused. */
  files: z.array(z.strictObject({ path: z.string(), version: z.string(), bytes: Count })),
  partitions: Positive.max(10_000),
  order: z.enum(["shuffled", "kept"]),
  seed: z.number().int().min(0).max(0xffff_ffff).optional(),
  validationSplit: z.number().gt(0).lt(1).optional(),
  preprocessing: z.array(Field).optional(),
  labels: z.enum(["use", "ignore"]).optional(),
  emptyPartitions: z.enum(["refuse", "allow"]).optional(),
  limits: ShardLimits,
});
export type ShardingRequest = z.infer<typeof ShardingRequest>;

/** Where the rows of a CSV file lie: at `at[i]` (inside quotes or not) so many rows and line feeds lie behind. */
export const RowIndex = z.strictObject({
  at: z.array(Count),
  inQuotes: z.array(z.boolean()),
  /** The header counts as one. */
  records: z.array(Count),
  lineFeeds: z.array(Count),
});
export type RowIndex = z.infer<typeof RowIndex>;

/** Which rows each step reads, and which partitions it writes. */
export const ShardingLayout = z.strictObject({
  version: z.literal(1),
  rows: Count,
  /** Of one `rows` step but for the last; whole blocks. */
  runRows: Positive,
  /** Of one `parts` step but for the last. */
  partsAtOnce: Positive,
  /** CSV: one a file. */
  index: z.array(RowIndex).optional(),
});
export type ShardingLayout = z.infer<typeof ShardingLayout>;

/** What the headers say: `shardings/<id>/steps/plan-00000.json`, unless the data set was small enough to be done with at once. */
export const ShardingPlan = z.strictObject({
  version: z.literal(1),
  /** Rows that are shuffled and dealt together. */
  blockRows: Positive,
  columns: z.array(z.strictObject({ name: z.string(), storage: Field.shape.storage, storedShape: Shape })).min(1),
  /** Whether text has to be numbered in order of first appearance. CSV only. */
  texts: z.boolean(),
  /** Missing for CSV, whose rows have to be counted first. */
  layout: ShardingLayout.optional(),
});
export type ShardingPlan = z.infer<typeof ShardingPlan>;

/** SHA-256 of a file up to the end of a piece, to be gone on with; complete after its last. */
export const HashFact = z.strictObject({ version: z.literal(1), state: Sha256, complete: z.boolean() });
export type HashFact = z.infer<typeof HashFact>;

/** One stretch of a CSV file. What is counted depends on whether it begins inside of quotes: both are told. */
export const StretchCount = z.strictObject({
  /** Records that end here if it begins outside of quotes, and if inside. */
  records: z.tuple([Count, Count]),
  lineFeeds: Count,
  /** Whether quotes are open at the end if they are not at the beginning. */
  flips: z.boolean(),
});
export type StretchCount = z.infer<typeof StretchCount>;
export const CountFact = z.strictObject({ version: z.literal(1), stretches: z.array(StretchCount) });
export type CountFact = z.infer<typeof CountFact>;

/** The texts that a run of rows holds, of each column that is numbered, in order of first appearance. */
export const TextsFact = z.strictObject({ version: z.literal(1), columns: z.array(z.array(z.string())) });
export type TextsFact = z.infer<typeof TextsFact>;

/** The texts of all rows, and how many of each column's were known before each run. */
export const MergedTexts = z.strictObject({
  version: z.literal(1),
  columns: z.array(z.array(z.string())),
  before: z.array(z.array(Count)),
});
export type MergedTexts = z.infer<typeof MergedTexts>;

/** A run of rows is in its spool object; behind them lie the moments of each block. */
export const RowsFact = z.strictObject({
  version: z.literal(1),
  spoolBytes: Count,
  /** The largest class number, one a column. */
  largest: z.array(Count),
  /** Blocks whose moments there are. */
  momentBlocks: Count,
});
export type RowsFact = z.infer<typeof RowsFact>;

export const PartsFact = z.strictObject({ version: z.literal(1), parts: z.array(Part) });
export type PartsFact = z.infer<typeof PartsFact>;

/** An attempt of a step failed: `shardings/<id>/failures/<step>-<attempt>.json`. */
export const ShardFailure = z.strictObject({
  version: z.literal(1),
  step: ShardStep,
  attempt: Positive,
  error: ErrorRecord,
});
export type ShardFailure = z.infer<typeof ShardFailure>;

/** The data sets that came of it: `shardings/<id>/outcome.json`. They may have been removed since. */
export const ShardingOutcome = z.strictObject({
  version: z.literal(1),
  train: DatasetId,
  validation: DatasetId.optional(),
});
export type ShardingOutcome = z.infer<typeof ShardingOutcome>;

/** The payload of a sharder invocation: one attempt of one step. */
export const ShardTask = z.strictObject({
  version: z.literal(1),
  sharding: ShardingId,
  /** The job that wants the data set. */
  job: JobId,
  step: ShardStep,
  attempt: Positive,
});
export type ShardTask = z.infer<typeof ShardTask>;
