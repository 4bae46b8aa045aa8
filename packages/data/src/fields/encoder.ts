import type { DType, Field, NumericArray } from "@stampede/core";
import type { PlaceOf, SourceArray } from "../sources/source.js";

/** Checks and converts the values of one field, and learns what its encoding needs. */
export interface FieldEncoder {
  readonly storage: DType;
  /** Values of one row. */
  readonly width: number;
  /** The values as they are stored. May be the same array. @throws StampedeError naming the place of the first bad value */
  accept(values: SourceArray, placeOf: PlaceOf): NumericArray;
  /** Takes stored rows of the training data into the statistics. */
  observe(values: NumericArray, rows: number): void;
  /** The field with its encoding, after the last row. */
  finish(): Field;
}

/** What every kind of field has in common. */
export interface FieldFacts {
  readonly name: string;
  readonly role: "feature" | "label";
  readonly storedShape: readonly number[];
  readonly columns: readonly string[] | undefined;
}
