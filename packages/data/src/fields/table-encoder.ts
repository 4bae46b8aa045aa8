import { type Encoding, type Field, type NumericArray } from "@stampede/core";
import type { StoredField } from "../arrow/column-types.js";
import { Scratch } from "../scratch.js";
import type { FieldOptions, PlaceOf, SourceArray, SourceColumn } from "../sources/source.js";
import type { FieldEncoder, FieldFacts } from "./encoder.js";
import { Moments } from "./moments.js";
import { acceptNumbers } from "./number-encoder.js";
import { fedShape } from "./shapes.js";

type ColumnEncoding = Extract<Encoding, { kind: "columns" }>["columns"][number];

/** Columns of numbers and of text side by side; categories are stored as float32 numbers, exact up to 2^24. */
export class TableEncoder implements FieldEncoder {
  readonly storage = "float32";
  readonly width: number;
  readonly scratch = new Scratch();
  readonly moments: Moments | undefined;
  largest = 0;
  readonly #facts: FieldFacts;
  readonly #columns: readonly SourceColumn[];
  readonly #options: FieldOptions;
  readonly #trained: Field | undefined;

  constructor(facts: FieldFacts, columns: readonly SourceColumn[], options: FieldOptions, trained: Field | undefined) {
    this.#facts = facts;
    this.#columns = columns;
    this.#options = options;
    this.#trained = trained;
    this.width = columns.length;
    this.moments = options.standardize === true && trained === undefined ? new Moments(this.width) : undefined;
  }

  get stored(): StoredField {
    const { name, storedShape } = this.#facts;
    return { name, storage: this.storage, storedShape: [...storedShape] };
  }

  accept(values: SourceArray, placeOf: PlaceOf): NumericArray {
    return acceptNumbers(values, this, placeOf);
  }

  observe(values: NumericArray, rows: number): void {
    this.moments?.add(values, rows);
  }

  finish(): Field {
    const { name, role, storedShape } = this.#facts;
    const encoding = this.#trained?.encoding ?? { kind: "columns" as const, columns: this.#encodings() };
    const own = encoding.kind === "columns" ? [fedWidth(encoding.columns)] : storedShape;
    return {
      name,
      role,
      storage: this.storage,
      storedShape: [...storedShape],
      shape: fedShape(name, own, this.#trained?.shape ?? this.#options.shape),
      encoding,
      columns: this.#columns.map((column) => column.name),
    };
  }

  #encodings(): ColumnEncoding[] {
    const means = this.moments?.means();
    const deviations = this.moments?.deviations();
    const scale = Math.fround(this.#options.scale ?? 1);
    return this.#columns.map(({ categories }, index): ColumnEncoding => {
      if (categories !== undefined) {
        return { kind: "oneHot", classes: categories.size, categories: [...categories.texts] };
      }
      return { kind: "affine", subtract: [means?.[index] ?? 0], divide: [deviations?.[index] ?? scale] };
    });
  }
}

function fedWidth(columns: readonly ColumnEncoding[]): number {
  return columns.reduce((sum, column) => sum + (column.kind === "oneHot" ? column.classes : 1), 0);
}
