import type { Field } from "@stampede/core";

/** What of the fields a graph depends on: the texts of categories and the names of columns are not in it. */
export function fieldsKey(fields: readonly Field[]): string {
  return JSON.stringify(
    fields.map(({ storage, storedShape, shape, encoding }) => [storage, storedShape, shape, bare(encoding)]),
  );
}

function bare(encoding: Field["encoding"]): unknown {
  switch (encoding.kind) {
    case "affine":
      return [encoding.kind, encoding.subtract, encoding.divide];
    case "oneHot":
    case "classIndex":
      return [encoding.kind, encoding.classes];
    case "columns":
      return [encoding.kind, encoding.columns.map(bare)];
  }
}
