import * as z from "zod";

const FileName = z.string().min(1).max(4096);

/** Which values of a data set feed one input or output of the model, and what is done to them on the way. */
export const FieldSelection = z.strictObject({
  /** One file or several that follow each other. IDX and NPY have a file a field; CSV and NPZ one for all (`file` of the data set). */
  file: z.union([FileName, z.array(FileName).min(1)]).optional(),
  /** CSV: names of columns, or ranges `first..last` in the order of the header. */
  columns: z.array(z.string().min(1)).min(1).optional(),
  /** CSV: one column. */
  column: z.string().min(1).optional(),
  /** NPZ: the array's name. */
  array: z.string().min(1).optional(),
  /** Shape of one row; by default that of the file. */
  shape: z.array(z.number().int().positive()).min(1).max(8).optional(),
  /** Every value is divided by this. */
  scale: z.number().positive().optional(),
  /** Subtract the mean and divide by the standard deviation of each column of the training data. */
  standardize: z.boolean().optional(),
  /** Whole numbers 0 ... n-1 become one-hot vectors; `true` takes n from the training data. */
  oneHot: z.union([z.boolean(), z.number().int().min(1).max(1_000_000)]).optional(),
  /** Whole numbers 0 ... n-1 stay numbers (for sparse losses and embeddings), but are checked; `true` takes n from the training data. */
  classes: z.union([z.literal(true), z.number().int().min(1).max(1_000_000)]).optional(),
  /** CSV: columns that hold text, numbered in order of first appearance in the training data; `true`: all of the field's. Features become one-hot; labels follow `oneHot` or `classes`. */
  categories: z.union([z.literal(true), z.array(z.string().min(1)).min(1)]).optional(),
});
export type FieldSelection = z.infer<typeof FieldSelection>;

const Fields = z.union([FieldSelection, z.array(FieldSelection).min(1)]);
const common = { features: Fields.optional(), labels: Fields.optional() };

/** A data set as the user names it. Relative paths start at the job file's folder. */
export const DatasetSpec = z.discriminatedUnion("format", [
  z.strictObject({
    format: z.literal("csv"),
    file: z.union([FileName, z.array(FileName).min(1)]),
    delimiter: z.string().length(1).default(","),
    /** Whether the first line names the columns; without names they are called 0, 1, 2, ... */
    header: z.boolean().default(true),
    ...common,
  }),
  z.strictObject({ format: z.literal("idx"), ...common }),
  z.strictObject({ format: z.literal("npy"), ...common }),
  z.strictObject({ format: z.literal("npz"), file: FileName, ...common }),
  /** Data sets that come with Stampede. */
  z.strictObject({ format: z.literal("builtin"), name: z.enum(["digits"]), ...common }),
]);
export type DatasetSpec = z.infer<typeof DatasetSpec>;
/** As a program may write it: with defaults left out, and `as const` if it likes. */
export type DatasetSpecInput = DeepReadonly<z.input<typeof DatasetSpec>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
