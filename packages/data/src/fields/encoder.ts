import type { DType, Field, NumericArray } from "@stampede/core";
import type { StoredField } from "../arrow/column-types.js";
import type { Moments } from "./moments.js";
import type { PlaceOf, SourceArray } from "../sources/source.js";

/** Checks and converts the values of one field, and learns what its encoding needs. */
export interface FieldEncoder {
  readonly storage: DType;
  readonly stored: StoredField;
  /** Values of one row. */
  readonly width: number;
  /** The values as they are stored. May be the same array. @throws StampedeError naming the place of the first bad value */
  accept(values: SourceArray, placeOf: PlaceOf): NumericArray;
  /** Mean and deviation of the training data, where they are wanted and not yet known. */
  readonly moments: Moments | undefined;
  /** The largest class number that was accepted; others may be told of. */
  largest: number;
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
