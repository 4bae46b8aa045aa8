import { sizeOf, type DType, type Encoding, type Field, type NumericArray } from "@stampede/core";
import { refusal } from "../refusal.js";
import type { StoredField } from "../arrow/column-types.js";
import { Scratch } from "../scratch.js";
import type { PlaceOf, SourceArray, SourceDType } from "../sources/source.js";
import type { CategoryTable } from "./category-table.js";
import { convert, narrow } from "./conversion.js";
import type { FieldEncoder, FieldFacts } from "./encoder.js";
import { fedShape, oneHotShape } from "./shapes.js";

export interface ClassOptions {
  readonly kind: "oneHot" | "classIndex";
  /** `undefined`: one more than the largest number of the data. */
  readonly classes: number | undefined;
  /** The texts behind the numbers. */
  readonly categories: CategoryTable | undefined;
  readonly shape: readonly number[] | undefined;
  /** The storage of the training data, where there is one. */
  readonly storage?: DType;
}

/** The most classes a field may have, as in the manifest's schema. */
const maxClasses = 1_000_000;
/** So many classes fit uint8 with room for a marker. */
const maxUint8Classes = 255;

/** Whole numbers 0 ... classes - 1, fed to the model as one-hot vectors or as they are. */
export class ClassEncoder implements FieldEncoder {
  readonly storage: DType;
  readonly width: number;
  readonly moments = undefined;
  readonly #facts: FieldFacts;
  readonly #options: ClassOptions;
  readonly #scratch = new Scratch();
  largest = 0;

  constructor(facts: FieldFacts, dtype: SourceDType, options: ClassOptions) {
    this.#facts = facts;
    this.#options = options;
    this.width = sizeOf(facts.storedShape);
    const fitsByte = dtype === "uint8" || (options.classes !== undefined && options.classes <= maxUint8Classes);
    this.storage = options.storage ?? (fitsByte ? "uint8" : "int32");
    if (options.classes !== undefined) this.#shape(options.classes);
  }

  get stored(): StoredField {
    const { name, storedShape } = this.#facts;
    return { name, storage: this.storage, storedShape: [...storedShape] };
  }

  accept(values: SourceArray, placeOf: PlaceOf): NumericArray {
    const place = (at: number): string => placeOf(Math.floor(at / this.width), at % this.width);
    const narrowed = narrow(values);
    if (typeof narrowed === "number") throw this.#outOfRange(place(narrowed), String(values[narrowed]));
    const bad = this.#firstOutside(narrowed);
    if (bad >= 0) throw this.#outOfRange(place(bad), String(narrowed[bad]));
    return convert(narrowed, this.storage, this.#scratch);
  }

  #firstOutside(values: NumericArray): number {
    const limit = this.#options.classes ?? maxClasses;
    let largest = this.largest;
    for (let at = 0; at < values.length; at++) {
      const value = values[at] ?? 0;
      // Also false for NaN.
      if (!(value >= 0 && value < limit && Math.floor(value) === value)) return at;
      if (value > largest) largest = value;
    }
    this.largest = largest;
    return -1;
  }

  #outOfRange(place: string, found: string): Error {
    const { classes, categories } = this.#options;
    if (categories !== undefined) {
      const text = `${place}: expected at most ${classes ?? maxClasses} different texts, found more.`;
      return refusal("data.label-out-of-range", text);
    }
    const text = `${place}: expected a whole number in 0 ... ${(classes ?? maxClasses) - 1}, found ${found}.`;
    return refusal("data.label-out-of-range", text);
  }

  observe(): void {
    // What there is to learn, the largest number, is learned from every row.
  }

  finish(): Field {
    const { name, role, storedShape, columns } = this.#facts;
    const { kind, categories } = this.#options;
    const classes = this.#options.classes ?? Math.max(this.largest + 1, categories?.size ?? 1);
    const texts = categories === undefined ? {} : { categories: [...categories.texts] };
    const encoding: Encoding = { kind, classes, ...texts };
    return {
      name,
      role,
      storage: this.storage,
      storedShape: [...storedShape],
      shape: this.#shape(classes),
      encoding,
      ...(columns === undefined ? {} : { columns: [...columns] }),
    };
  }

  #shape(classes: number): number[] {
    const { storedShape, name } = this.#facts;
    const own = this.#options.kind === "oneHot" ? oneHotShape(storedShape, classes) : storedShape;
    return fedShape(name, own, this.#options.shape);
  }
}
