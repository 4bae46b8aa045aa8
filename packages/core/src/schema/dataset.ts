import * as z from "zod";
import { DatasetId } from "../ids.js";

export const Shape = z.array(z.number().int().positive()).max(8);
const Finite = z.number();

/** y = (x - subtract) / divide, each a float32 and each result rounded to float32; lists are of length 1 or one entry an element. */
const Affine = z.strictObject({
  kind: z.literal("affine"),
  subtract: z.array(Finite).min(1),
  divide: z.array(Finite).min(1),
});
const OneHot = z.strictObject({
  kind: z.literal("oneHot"),
  classes: z.number().int().min(1).max(1_000_000),
  /** The text of each class, where the source had text. */
  categories: z.array(z.string()).optional(),
});
const ClassIndex = z.strictObject({
  kind: z.literal("classIndex"),
  classes: z.number().int().min(1).max(1_000_000),
  categories: z.array(z.string()).optional(),
});

/** How stored values become what the model is fed. */
export const Encoding = z.discriminatedUnion("kind", [
  Affine,
  OneHot,
  ClassIndex,
  /** A table whose columns are encoded one by one and laid side by side. */
  z.strictObject({
    kind: z.literal("columns"),
    columns: z.array(z.discriminatedUnion("kind", [Affine, OneHot])).min(1),
  }),
]);
export type Encoding = z.infer<typeof Encoding>;

/** One input or output of the model, as it lies in the partition files. */
export const Field = z.strictObject({
  /** The column of the partition file. */
  name: z.string().min(1).max(200),
  role: z.enum(["feature", "label"]),
  storage: z.enum(["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"]),
  /** Shape of one row as stored; `[]` for a scalar. */
  storedShape: Shape,
  /** Shape of one row as the model is fed it. */
  shape: Shape,
  encoding: Encoding,
  /** Names of the source columns, where the source has names. */
  columns: z.array(z.string()).optional(),
});
export type Field = z.infer<typeof Field>;

export const Part = z.strictObject({
  rows: z.number().int().min(0),
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The source row of the first row, where the rows are kept in the order of the source. */
  firstRow: z.number().int().min(0).optional(),
});

export type Part = z.infer<typeof Part>;

/** The commit of a data set: its partition files are complete and never change. */
export const DatasetManifest = z.strictObject({
  version: z.literal(1),
  dataset: DatasetId,
  rows: z.number().int().min(0),
  fields: z.array(Field).min(1),
  parts: z.array(Part).min(1).max(100_000),
});
export type DatasetManifest = z.infer<typeof DatasetManifest>;
