import {
  encodedWidth,
  sizeOf,
  StampedeError,
  type Field,
  type ModelDefinition,
  type PartitionData,
} from "@stampede/core";

export type Column = PartitionData["fields"][number];

/**
 * The columns of one role, one for each of the model's inputs or outputs, in their order.
 * @throws StampedeError `model.data-mismatch` when there are more or fewer, or one has another width than its shape
 */
export function columnsOf(
  { fields }: PartitionData,
  role: Field["role"],
  { inputs, outputs }: ModelDefinition,
): readonly Column[] {
  const columns = fields.filter(({ field }) => field.role === role);
  const count = role === "feature" ? inputs.length : outputs.length;
  if (columns.length !== count) {
    const side = role === "feature" ? "input" : "output";
    const message =
      `Expected ${count} ${role} field(s), one for each ${side} of the model; found ${columns.length}. ` +
      "Nothing was computed.";
    throw new StampedeError("model.data-mismatch", message);
  }
  for (const { field } of columns) refuseOtherWidth(field);
  return columns;
}

function refuseOtherWidth(field: Field): void {
  const width = encodedWidth(field);
  if (sizeOf(field.shape) === width) return;
  const message =
    `Expected field "${field.name}" to have ${sizeOf(field.shape)} values a row, found ${width}. ` +
    "Nothing was computed.";
  throw new StampedeError("model.data-mismatch", message, { details: { field: field.name } });
}

/** The shape of a row as the model is fed it: a row of one number is a row all the same, as tfjs, too, makes [n] into [n, 1]. */
export function fedShape({ shape }: Field): readonly number[] {
  return shape.length === 0 ? [1] : shape;
}
