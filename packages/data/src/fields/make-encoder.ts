import { sizeOf, type Field } from "@stampede/core";
import { refusal } from "../refusal.js";
import type { SourceField } from "../sources/source.js";
import { ClassEncoder } from "./class-encoder.js";
import type { FieldEncoder, FieldFacts } from "./encoder.js";
import { NumberEncoder } from "./number-encoder.js";
import { TableEncoder } from "./table-encoder.js";

/**
 * The encoders of a source's fields, named `features` and `labels`, or `features0`, `features1`, ... where there are several.
 *
 * @param trained the fields of the training data: their encodings are kept, matched by role and order
 * @throws StampedeError `job-file.invalid` for settings that contradict each other, `model.data-mismatch` for other rows than trained on
 */
export function makeEncoders(
  fields: readonly SourceField[],
  trained: readonly Field[] | undefined,
): readonly FieldEncoder[] {
  return fields.map((field, index) => {
    const { role } = field;
    const peers = fields.filter((other) => other.role === role);
    const position = fields.slice(0, index).filter((other) => other.role === role).length;
    const name = peers.length === 1 ? `${role}s` : `${role}s${position}`;
    const known = trained?.filter((other) => other.role === role)[position];
    if (trained !== undefined && known === undefined) throw surplus(role, peers.length, trained);
    const facts = { name, role, storedShape: field.rowShape, columns: field.columns?.map((column) => column.name) };
    checkSettings(name, field);
    return known === undefined ? freshEncoder(facts, field) : trainedEncoder(facts, field, known);
  });
}

function surplus(role: SourceField["role"], count: number, trained: readonly Field[]): Error {
  const expected = trained.filter((field) => field.role === role).length;
  return refusal(
    "model.data-mismatch",
    `Expected ${expected} ${role} field(s) as in the training data, found ${count}.`,
  );
}

function checkSettings(name: string, { options, columns = [], role }: SourceField): void {
  const { oneHot, classes, scale, standardize } = options;
  const asClasses = classes !== undefined || isWanted(oneHot);
  const texts = columns.filter(({ categories }) => categories !== undefined).length;
  const contradiction =
    classes !== undefined && isWanted(oneHot)
      ? "either `oneHot` or `classes`, found both"
      : scale !== undefined && standardize === true
        ? "either `scale` or `standardize`, found both"
        : asClasses && (scale !== undefined || standardize === true)
          ? "no `scale` or `standardize` beside `oneHot` or `classes`"
          : texts > 0 && columns.length > 1 && (asClasses || role === "label")
            ? "a single `column` for categories that are labels, or that `oneHot` or `classes` are given for"
            : undefined;
  if (contradiction !== undefined) throw refusal("job-file.invalid", `Expected ${contradiction} in ${name}.`);
}

function isWanted(oneHot: boolean | number | undefined): boolean {
  return oneHot !== undefined && oneHot !== false;
}

function freshEncoder(facts: FieldFacts, { dtype, options, columns = [] }: SourceField): FieldEncoder {
  const { oneHot, classes, shape } = options;
  const categories = columns.find((column) => column.categories !== undefined)?.categories;
  if (categories !== undefined && columns.length > 1) return new TableEncoder(facts, columns, options, undefined);
  if (categories === undefined && classes === undefined && !isWanted(oneHot)) {
    return new NumberEncoder(facts, dtype, options, undefined);
  }
  const kind = classes === undefined ? "oneHot" : "classIndex";
  const count = classes ?? oneHot;
  return new ClassEncoder(facts, dtype, {
    kind,
    classes: typeof count === "number" ? count : undefined,
    categories,
    shape,
  });
}

function trainedEncoder(
  facts: FieldFacts,
  { dtype, rowShape, options, columns = [] }: SourceField,
  trained: Field,
): FieldEncoder {
  if (sizeOf(rowShape) !== sizeOf(trained.storedShape)) {
    const expected = `${sizeOf(trained.storedShape)} values a row as in the training data`;
    throw refusal("model.data-mismatch", `Expected ${expected} in ${facts.name}, found ${sizeOf(rowShape)}.`);
  }
  const { encoding, shape, storage } = trained;
  if (encoding.kind === "columns") return new TableEncoder(facts, columns, options, trained);
  if (encoding.kind === "affine") return new NumberEncoder(facts, dtype, options, trained);
  const categories = columns[0]?.categories;
  return new ClassEncoder(facts, dtype, { kind: encoding.kind, classes: encoding.classes, categories, shape, storage });
}
