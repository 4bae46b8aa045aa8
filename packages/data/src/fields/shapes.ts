import { sizeOf } from "@stampede/core";
import { refusal } from "../refusal.js";

/** The shape the model is fed: the user's, if it has as many elements, else the rows' own; single values count as [1], as in Keras. */
export function fedShape(where: string, own: readonly number[], wanted: readonly number[] | undefined): number[] {
  if (wanted === undefined) return own.length === 0 ? [1] : [...own];
  if (sizeOf(wanted) === sizeOf(own)) return [...wanted];
  const text =
    `Expected a shape of ${sizeOf(own)} elements for ${where}, whose rows have shape [${own.join(", ")}]; ` +
    `found [${wanted.join(", ")}], which has ${sizeOf(wanted)}.`;
  throw refusal("job-file.invalid", text);
}

/** One-hot vectors: one for a single value, else one for each element. */
export function oneHotShape(storedShape: readonly number[], classes: number): number[] {
  return sizeOf(storedShape) === 1 ? [classes] : [...storedShape, classes];
}
