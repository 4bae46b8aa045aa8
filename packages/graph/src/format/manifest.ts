import { Block, Field } from "@stampede/core";
import * as z from "zod";

/** What a random draw is taken from. `truncatedNormal` has no numbers beyond two standard deviations. */
export const Distribution = z.enum(["uniform", "normal", "truncatedNormal"]);
export type Distribution = z.infer<typeof Distribution>;

const Shape = z.array(z.number().int().min(0)).max(16);
const StateType = z.enum(["float32", "int32", "bool"]);

/** A variable of the model or of its optimizer. */
export const Variable = z.strictObject({
  /** The weight's name, or `optimizer/...`. */
  name: z.string().min(1),
  /** The graph's input; an output `out:` + input holds it after the steps, where steps write it. */
  input: z.string().min(1),
  dtype: StateType.default("float32"),
  shape: Shape,
  /** Of the optimizer's: what it holds before the first step, in every element. */
  initial: z.number().optional(),
  isWritten: z.boolean().default(true),
});
export type Variable = z.infer<typeof Variable>;

/** What a graph file says of itself. */
export const GraphManifest = z.strictObject({
  version: z.literal(1),
  kind: z.enum(["train", "evaluate", "predict"]),
  /** Rows of a batch; open where it is left out. */
  batchSize: z.number().int().min(1).optional(),
  /** Of the blocked kernels in it: it is right on processors of this block alone. Left out where it has none. */
  block: Block.optional(),
  /** How stored rows become inputs; the features in the model's order and, but for `predict`, the labels. */
  fields: z.array(Field),
  variables: z.array(Variable),
  /** Weights as they were before the first step, which a proximal term compares with: input `anchor/` + name. */
  anchors: z.array(z.string()),
  /** Numbers that random draws are taken from: input `pool/` + distribution, of shape [poolLength]. */
  pools: z.array(Distribution),
  poolLength: z.number().int().min(0),
  /** Elements of each draw of a step, in order; their offsets are the columns of the input `offsets`. */
  draws: z.array(z.number().int().min(0)),
  /** Names of the outputs: of loss and metrics, or of the model's outputs. */
  outputs: z.array(z.string()),
  /** Floating-point operations of matrix products and convolutions for one batch (one row where it is open). */
  flops: z.number().min(0),
  /** What the names of nodes stand for, see `Places`. */
  places: z.array(z.string()).default([]),
  madeWith: z.strictObject({ stampede: z.string(), tfjs: z.string() }),
});
export type GraphManifest = z.infer<typeof GraphManifest>;
