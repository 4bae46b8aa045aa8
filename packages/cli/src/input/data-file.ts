import { StampedeError } from "@stampede/core";
import { readYaml } from "./yaml-source.js";

/**
 * The data file of `evaluate` and `predict`: what differs from the training data. Its fields are checked by the client,
 * which knows what the model was trained with.
 * @throws StampedeError `job-file.not-readable`, `job-file.syntax`, `job-file.invalid`
 */
export async function readDataFile(path: string, name: string): Promise<Record<string, unknown>> {
  const { value, positionOf } = await readYaml(path, name);
  if (isRecord(value)) return value;
  const found =
    value === null || value === undefined ? "nothing" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  throw new StampedeError(
    "job-file.invalid",
    `Expected a map with the data's settings (format, file, features, labels) in ${name}:${positionOf([])}, found ${found}. Nothing was started.`,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
