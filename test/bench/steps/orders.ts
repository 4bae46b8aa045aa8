import * as z from "zod";

/** What a participant can be told to get ready for. */
export const Task = z.discriminatedUnion("kind", [
  /** Steps are training steps of the case in `folder`. */
  z.strictObject({ kind: z.literal("train"), folder: z.string() }),
  /** Steps are calls of predict with `rows` rows. */
  z.strictObject({ kind: z.literal("predict"), folder: z.string(), rows: z.number().int().positive() }),
  /** Steps are products of an m x k and a k x n matrix. */
  z.strictObject({
    kind: z.literal("gemm"),
    m: z.number().int().positive(),
    k: z.number().int().positive(),
    n: z.number().int().positive(),
    threads: z.number().int().positive(),
  }),
]);
export type Task = z.infer<typeof Task>;

/** One line of JSON on a participant's standard input. */
export const Order = z.discriminatedUnion("order", [
  /** Asks only whether the libraries are loaded. */
  z.strictObject({ order: z.literal("ready") }),
  z.strictObject({ order: z.literal("open"), task: Task }),
  z.strictObject({ order: z.literal("run"), steps: z.number().int().positive() }),
  z.strictObject({ order: z.literal("close") }),
]);
export type Order = z.infer<typeof Order>;

/** The line on its standard output that follows when the order was carried out. */
export const Answer = z.union([
  z.strictObject({
    /** Of a run: what it took, without reading the order and writing the answer. */
    ms: z.number().optional(),
    /** Of the opening: of the libraries that do the work. */
    versions: z.record(z.string(), z.string()).optional(),
  }),
  z.strictObject({ error: z.string() }),
]);
export type Answer = z.infer<typeof Answer>;
