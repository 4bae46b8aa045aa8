import { DatasetSpec, parseInput } from "@stampede/core";

/**
 * The training data's description with what the user gives in its place; another format is a description of its own.
 * @throws StampedeError `job-file.invalid`
 */
export function completeDataset(
  given: Readonly<Record<string, unknown>>,
  trained: DatasetSpec | undefined,
): DatasetSpec {
  const sameFormat = given["format"] === undefined || given["format"] === trained?.format;
  const merged = sameFormat ? mergeFields({ ...trained, ...given }, given, trained) : given;
  return parseInput(DatasetSpec, merged, { code: "job-file.invalid", what: "the data" });
}

/** `features` and `labels` that are single selections are completed field by field, so that naming another file is enough. */
function mergeFields(
  merged: Record<string, unknown>,
  given: Readonly<Record<string, unknown>>,
  trained: DatasetSpec | undefined,
): Record<string, unknown> {
  const completed = { ...merged };
  for (const name of ["features", "labels"] as const) {
    const [mine, theirs] = [given[name], trained?.[name]];
    if (isSelection(mine) && isSelection(theirs)) completed[name] = { ...theirs, ...mine };
  }
  return completed;
}

function isSelection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
