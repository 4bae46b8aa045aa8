import { fileURLToPath } from "node:url";
import type { DatasetSpec, FieldSelection } from "@stampede/core";
import { listSelections, refuseSettings } from "./selections.js";

type BuiltinSpec = Extract<DatasetSpec, { format: "builtin" }>;
type IdxSpec = Extract<DatasetSpec, { format: "idx" }>;

const asset = (name: string): string => fileURLToPath(new URL(`../../assets/${name}`, import.meta.url));

/** Data sets that come with Stampede are IDX files; licences lie beside them. */
const files = {
  digits: { features: asset("digits-images.idx.gz"), labels: asset("digits-labels.idx.gz") },
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
    features: withFile(features ?? {}, files[name].features),
    labels: withFile(labels ?? { classes: 10 }, files[name].labels),
  };
}

function withFile(fields: FieldSelection | FieldSelection[], file: string): FieldSelection | FieldSelection[] {
  return Array.isArray(fields) ? fields.map((field) => ({ ...field, file })) : { ...fields, file };
}
