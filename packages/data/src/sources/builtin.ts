import { createRequire } from "node:module";
import type { DatasetSpec, FieldSelection } from "@stampede/core";
import { listSelections, refuseSettings } from "./selections.js";

type BuiltinSpec = Extract<DatasetSpec, { format: "builtin" }>;
type IdxSpec = Extract<DatasetSpec, { format: "idx" }>;

const require = createRequire(import.meta.url);

/** By the name of this package: the bundle of a function has the files in its node_modules, wherever the code has gone. */
const asset = (name: string): string => require.resolve(`@stampede/data/assets/${name}`);

/** Data sets that come with Stampede are IDX files; licences lie beside them. */
const files = {
  digits: { features: "digits-images.idx.gz", labels: "digits-labels.idx.gz" },
} as const;

/**
 * The IDX files behind a built-in data set. `digits`: 1,797 images of 64 values 0 ... 16 (uint8), labels 0 ... 9, by default as
 * class numbers.
 */
export function idxOfBuiltin({ name, features, labels }: BuiltinSpec): IdxSpec {
  for (const selection of listSelections(features, labels)) {
    refuseSettings(selection, "builtin", ["file", "columns", "column", "array", "categories"]);
  }
  return {
    format: "idx",
    features: withFile(features ?? {}, asset(files[name].features)),
    labels: withFile(labels ?? { classes: 10 }, asset(files[name].labels)),
  };
}

function withFile(fields: FieldSelection | FieldSelection[], file: string): FieldSelection | FieldSelection[] {
  return Array.isArray(fields) ? fields.map((field) => ({ ...field, file })) : { ...fields, file };
}
