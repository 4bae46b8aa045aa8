import * as z from "zod";
import { AttemptId, JobId } from "../ids.js";
import { dtypes } from "../tensors.js";
import { Contribution } from "./job.js";
import { MetricStates } from "./metrics.js";
import { Group, Part, Partition, Round, Slice } from "./stage.js";

/**
 * How several functions average a round: the deltas of a **group** of partitions are summed up, each **part** of the weights by itself; the
 * sums of all groups are that part's mean; the parts of a **slice** are stored together; and all slices are the round's weights. Each of
 * these is one object, made of objects that are there: a node of a tree.
 */
export const ReductionNode = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("sum"), group: Group, part: Part }),
  z.strictObject({ kind: z.literal("part"), part: Part }),
  z.strictObject({ kind: z.literal("slice"), slice: Slice }),
]);
export type ReductionNode = z.infer<typeof ReductionNode>;

const Count = z.number().int().min(0);
const Layout = z.strictObject({
  name: z.string(),
  dtype: z.enum(dtypes),
  shape: z.array(Count),
});

/** A delta of which every sum takes its part. */
const Source = z.strictObject({
  partition: Partition,
  /** As it was when the plan was made: one that was found damaged later has another, and the same numbers. */
  etag: z.string().max(200),
  dataStart: Count,
  dataBytes: Count,
  /** What its numbers are multiplied with. */
  weight: z.number().min(0),
  /** It is longer than `training.deltaNorm.clip` allows: so much of it counts. */
  shortenTo: z.number().min(0).max(1).optional(),
  /** Whether its optimizer state counts, see `training.optimizerState`. */
  countsState: z.boolean(),
});

/**
 * What the sums of a group are made of: one commit, so that all parts are made of the same. Its tensor `blocks` has a row of checksums for
 * each source, where the deltas are so large that parts of them are read.
 */
export const GroupPlan = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  group: Group,
  token: AttemptId,
  /** Of the weights, and of the optimizer state behind them where that is averaged. */
  weights: z.array(Layout),
  optimizer: z.array(Layout),
  /** In the order in which they are added; none where no delta of the group counts. */
  sources: z.array(Source),
  contributions: z.array(Contribution),
  /** Of the sources that have them, in order. */
  validations: z.array(MetricStates),
});
export type GroupPlan = z.infer<typeof GroupPlan>;

/** Of which tensor a flat tensor is a piece. */
const PieceRecord = z.strictObject({ name: z.string(), shape: z.array(Count), from: Count });

/** The metadata of one part of a group's sum: its tensors are what `WeightedMean.partial` gives. */
export const SumRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  group: Group,
  part: Part,
  attemptId: AttemptId,
  /** `PartialMean.weight` of the weights, and of the optimizer's state. */
  weight: z.number().min(0),
  stateWeight: z.number().min(0),
  /** What its flat tensors are sums of, in the same order. */
  pieces: z.array(PieceRecord.extend({ dtype: z.enum(dtypes), to: Count })),
});
export type SumRecord = z.infer<typeof SumRecord>;

/** The metadata of an averaged part, on its way into a slice. */
export const PartRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  part: Part,
  attemptId: AttemptId,
  pieces: z.array(PieceRecord),
});
export type PartRecord = z.infer<typeof PartRecord>;

/** The metadata of a slice of the weights. */
export const SliceRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  round: Round,
  slice: Slice,
  attemptId: AttemptId,
  /** `hashTensors` of its tensors. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of which tensors its flat tensors are the pieces, in the same order. */
  pieces: z.array(PieceRecord),
});
export type SliceRecord = z.infer<typeof SliceRecord>;
