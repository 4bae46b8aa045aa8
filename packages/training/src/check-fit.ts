import { sizeOf, StampedeError, type Field, type ModelDefinition } from "@stampede/core";

type Port = ModelDefinition["inputs"][number];

const sparseLoss = "sparseCategoricalCrossentropy";

/**
 * Checks that the data's fields fit the model's inputs and (unless only predicting) its outputs, in order.
 *
 * @throws StampedeError `model.data-mismatch`
 */
export function checkFit(model: ModelDefinition, fields: readonly Field[], needsLabels: boolean): void {
  const features = fields.filter(({ role }) => role === "feature");
  checkCount("input", model.inputs.length, features.length);
  for (const [index, field] of features.entries()) {
    const input = model.inputs[index];
    if (input !== undefined && !fits(input.shape, field.shape)) throw mismatch("input", input, field);
  }
  if (!needsLabels) return;
  const labels = fields.filter(({ role }) => role === "label");
  checkCount("output", model.outputs.length, labels.length);
  for (const [index, field] of labels.entries()) {
    const output = model.outputs[index];
    if (output !== undefined && !labelFits(model, index, output, field)) throw mismatch("output", output, field);
  }
}

function labelFits(model: ModelDefinition, index: number, output: Port, field: Field): boolean {
  if (lossOf(model, index, output.name) !== sparseLoss) return fits(output.shape, field.shape);
  const classes = output.shape.at(-1) ?? undefined;
  const known = field.encoding.kind === "classIndex" ? field.encoding.classes : undefined;
  const perPosition = sizeOf(output.shape.slice(0, -1).map((extent) => extent ?? 1)) === sizeOf(field.shape);
  return perPosition && (known === undefined || classes === undefined || known <= classes);
}

function lossOf({ training }: ModelDefinition, index: number, name: string): string | undefined {
  const { loss } = training;
  if (typeof loss === "string") return loss;
  return Array.isArray(loss) ? loss[index] : loss[name];
}

/** Equal shapes where the model's are known; a scalar is as good as a vector of one. */
function fits(wanted: readonly (number | null)[], found: readonly number[]): boolean {
  const shape = found.length === 0 && wanted.length === 1 ? [1] : found;
  return wanted.length === shape.length && wanted.every((extent, axis) => extent === null || extent === shape[axis]);
}

function checkCount(what: "input" | "output", wanted: number, found: number): void {
  if (wanted === found) return;
  const selection = what === "input" ? "features" : "labels";
  const message = `Expected ${wanted} ${selection} field(s), one for each ${what} of the model; found ${found}. Nothing was started.`;
  throw new StampedeError("model.data-mismatch", message);
}

function mismatch(what: "input" | "output", port: Port, field: Field): StampedeError {
  const data = what === "input" ? "features" : "labels";
  const message =
    `Expected ${data} of shape [${port.shape.map((extent) => extent ?? "any").join(", ")}] for ${what} "${port.name}" of the model; ` +
    `the data's ${data} "${field.name}" have shape [${field.shape.join(", ")}]. Nothing was started.`;
  return new StampedeError("model.data-mismatch", message, { details: { port: port.name, field: field.name } });
}
