import { sizeOf, type DType, type Encoding, type Field, type NumericArray } from "@stampede/core";
import { refusal } from "../refusal.js";
import type { StoredField } from "../arrow/column-types.js";
import { Scratch } from "../scratch.js";
import type { FieldOptions, PlaceOf, SourceArray, SourceDType } from "../sources/source.js";
import { convert, firstNonFinite, narrow, naturalStorage } from "./conversion.js";
import type { FieldEncoder, FieldFacts } from "./encoder.js";
import { Moments } from "./moments.js";
import { fedShape } from "./shapes.js";

/** Numbers, fed to the model as (x - subtract) / divide. */
export class NumberEncoder implements FieldEncoder {
  readonly storage: DType;
  readonly width: number;
  readonly scratch = new Scratch();
  readonly moments: Moments | undefined;
  largest = 0;
  readonly #facts: FieldFacts;
  readonly #shape: number[];
  readonly #scale: number;
  readonly #fixed: Encoding | undefined;

  /** @param trained the field of the training data, whose encoding is kept */
  constructor(facts: FieldFacts, dtype: SourceDType, options: FieldOptions, trained: Field | undefined) {
    const natural = naturalStorage(dtype);
    this.#facts = facts;
    this.width = sizeOf(facts.storedShape);
    this.storage = trained?.storage === "float32" ? "float32" : natural;
    this.#shape = fedShape(facts.name, facts.storedShape, trained?.shape ?? options.shape);
    this.#scale = Math.fround(options.scale ?? 1);
    this.#fixed = trained?.encoding;
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
    const { name, role, storedShape, columns } = this.#facts;
    return {
      name,
      role,
      storage: this.storage,
      storedShape: [...storedShape],
      shape: this.#shape,
      encoding: this.#fixed ?? this.#encoding(),
      ...(columns === undefined ? {} : { columns: [...columns] }),
    };
  }

  #encoding(): Encoding {
    if (this.moments === undefined) return { kind: "affine", subtract: [0], divide: [this.#scale] };
    return { kind: "affine", subtract: this.moments.means(), divide: this.moments.deviations() };
  }
}

/** @throws StampedeError `data.not-a-number`, `data.format` */
export function acceptNumbers(
  values: SourceArray,
  { storage, width, scratch }: { readonly storage: DType; readonly width: number; readonly scratch: Scratch },
  placeOf: PlaceOf,
): NumericArray {
  const narrowed = narrow(values);
  const place = (at: number): string => placeOf(Math.floor(at / width), at % width);
  if (typeof narrowed === "number") {
    const text = `${place(narrowed)}: expected a whole number of 32 bits, found ${values[narrowed]}; save the array as float32.`;
    throw refusal("data.format", text);
  }
  const stored = convert(narrowed, storage, scratch);
  const bad = firstNonFinite(stored);
  if (bad < 0) return stored;
  const found = Number(values[bad]);
  const text = Number.isFinite(found)
    ? `expected a number that float32 can hold (up to 3.4e38), found ${found}.`
    : `expected a number, found ${found}.`;
  throw refusal("data.not-a-number", `${place(bad)}: ${text}`);
}
