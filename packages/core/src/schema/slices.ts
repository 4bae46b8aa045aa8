import * as z from "zod";
import { AttemptId, JobId } from "../ids.js";
import { dtypes } from "../tensors.js";
import { Contribution } from "./job.js";
import { MetricStates } from "./metrics.js";
import { Partition, Round, Slice } from "./stage.js";

const Bytes = z.number().int().min(0);
const Layout = z.strictObject({
  name: z.string(),
  dtype: z.enum(dtypes),
  shape: z.array(Bytes),
});

/** A delta of which every slice takes its part. */
const Source = z.strictObject({
  partition: Partition,
  /** As it was when the plan was made: one that was found damaged later has another, and the same numbers. */
  etag: z.string().max(200),
  dataStart: Bytes,
  dataBytes: Bytes,
  /** What its numbers are multiplied with. */
  weight: z.number().min(0),
  /** It is longer than `training.deltaNorm.clip` allows: so much of it counts. */
  shortenTo: z.number().min(0).max(1).optional(),
  /** Whether its optimizer state counts, see `training.optimizerState`. */
  countsState: z.boolean(),
});

/**
 * What a round's slices are made of: one commit, so that all slices are made of the same. Its tensor `blocks` has a row of checksums for
 * each source, where the deltas are so large that parts of them are read.
 */
export const SlicePlan = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  token: AttemptId,
  madeAt: z.number().min(0),
  slices: z.number().int().min(1).max(10_000),
  /** Of the weights, and of the optimizer state behind them where that is averaged. */
  weights: z.array(Layout),
  optimizer: z.array(Layout),
  /** In the order in which they are added. */
  sources: z.array(Source).min(1),
  contributions: z.array(Contribution),
  metrics: MetricStates,
  validation: MetricStates.optional(),
});
export type SlicePlan = z.infer<typeof SlicePlan>;

/** The metadata of an averaged slice. */
export const SliceRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  slice: Slice,
  attemptId: AttemptId,
  /** `hashTensors` of its tensors. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of which tensors its flat tensors are the parts, in the same order. */
  pieces: z.array(z.strictObject({ name: z.string(), shape: z.array(Bytes), from: Bytes })),
});
export type SliceRecord = z.infer<typeof SliceRecord>;
