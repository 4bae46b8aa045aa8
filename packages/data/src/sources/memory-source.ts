import { createHash } from "node:crypto";
import { sizeOf, StampedeError, tensorOf, type Tensor } from "@stampede/core";
import type { ArrayInput } from "../arrays/array-input.js";
import { openArrays, type ArrayField } from "./array-source.js";
import type { FieldOptions, Source } from "./source.js";

/** What may be done to the values of a field on their way to the model; see `FieldSelection` of a job file. */
export type MemoryOptions = FieldOptions;

/** A data set that a program holds in memory. Tensors have shape [rows, ...]; all have the same number of rows. */
export interface MemoryDataset {
  readonly format: "memory";
  /** One tensor for each input of the model. */
  readonly features: Tensor | readonly Tensor[];
  /** One tensor for each output of the model. */
  readonly labels?: Tensor | readonly Tensor[];
  /** For all features, or one entry for each. */
  readonly featureOptions?: MemoryOptions | readonly MemoryOptions[];
  readonly labelOptions?: MemoryOptions | readonly MemoryOptions[];
}

/** Nested lists of numbers of equal lengths, as in `[[1, 2], [3, 4]]`. */
export type NestedNumbers = readonly number[] | readonly NestedNumbers[];

export interface MemorySourceInput {
  /** Values for the model's input, rows first; a list of tensors for several inputs. Nested lists become float32. */
  readonly x: Tensor | readonly Tensor[] | NestedNumbers;
  readonly y?: Tensor | readonly Tensor[] | NestedNumbers;
  readonly xOptions?: MemoryOptions | readonly MemoryOptions[];
  readonly yOptions?: MemoryOptions | readonly MemoryOptions[];
}

/**
 * A data set of values in memory, for `shardDataset`.
 *
 * @example
 * memorySource({ x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0], yOptions: { classes: 2 } });
 *
 * @throws StampedeError `data.ragged-row` for nested lists of unequal lengths, `option.invalid` for anything else that is not numbers
 */
export function memorySource({ x, y, xOptions, yOptions }: MemorySourceInput): MemoryDataset {
  return {
    format: "memory",
    features: tensorsOf(x, "x"),
    ...(y === undefined ? {} : { labels: tensorsOf(y, "y") }),
    ...(xOptions === undefined ? {} : { featureOptions: xOptions }),
    ...(yOptions === undefined ? {} : { labelOptions: yOptions }),
  };
}

function tensorsOf(values: MemorySourceInput["x"], name: string): readonly Tensor[] {
  if (isTensor(values)) return [values];
  if (isTensorList(values)) return values;
  const shape: number[] = [];
  for (let level: unknown = values; Array.isArray(level); level = level[0]) shape.push(level.length);
  const flat = new Float32Array(sizeOf(shape));
  flatten(values, shape, flat, 0, name);
  return [tensorOf(flat, shape)];
}

function flatten(values: unknown, shape: readonly number[], into: Float32Array, at: number, name: string): void {
  const [extent, ...inner] = shape;
  if (extent === undefined) {
    if (typeof values !== "number") {
      throw new StampedeError(
        "option.invalid",
        `Expected numbers in ${name}, found ${typeof values}. Nothing was written.`,
      );
    }
    into[at] = values;
    return;
  }
  if (!Array.isArray(values) || values.length !== extent) {
    const found = Array.isArray(values) ? `one of length ${values.length}` : typeof values;
    throw new StampedeError(
      "data.ragged-row",
      `Expected lists of length ${extent} in ${name}, found ${found}. Nothing was written.`,
    );
  }
  const step = sizeOf(inner);
  for (let index = 0; index < extent; index++) flatten(values[index], inner, into, at + index * step, name);
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && "dtype" in value && "data" in value && "shape" in value;
}

function isTensorList(values: readonly unknown[]): values is readonly Tensor[] {
  return values.length > 0 && values.every(isTensor);
}

/** The source behind a data set in memory. @throws StampedeError `option.invalid` */
export function sourceOfMemory(dataset: MemoryDataset): Source {
  const arrays = [
    ...fieldsOf("feature", dataset.features, dataset.featureOptions),
    ...fieldsOf("label", dataset.labels ?? [], dataset.labelOptions),
  ];
  const identityOf = (): unknown => ({
    format: "memory",
    fields: arrays.map(({ role, options, tensor }) => ({ role, options, ...hashOf(tensor) })),
  });
  return {
    name: "the data in memory",
    files: [],
    identify: async () => identityOf(),
    identityOf,
    async open() {
      return openArrays(arrays);
    },
    assertUnchanged: async () => undefined,
  };
}

interface TensorField extends ArrayField {
  readonly tensor: Tensor;
}

function fieldsOf(
  role: "feature" | "label",
  tensors: Tensor | readonly Tensor[],
  options: MemoryOptions | readonly MemoryOptions[] = {},
): readonly TensorField[] {
  const list = isTensor(tensors) ? [tensors] : tensors;
  return list.map((tensor, index) => {
    const name = list.length === 1 ? `${role}s` : `${role}s[${index}]`;
    const own = isOptionList(options) ? (options[index] ?? {}) : options;
    return { role, options: own, tensor, input: arrayOf(name, tensor) };
  });
}

function isOptionList(options: MemoryOptions | readonly MemoryOptions[]): options is readonly MemoryOptions[] {
  return Array.isArray(options);
}

/** A tensor of shape [rows, ...] as an input. */
function arrayOf(name: string, tensor: Tensor): ArrayInput {
  const { dtype, shape, data } = tensor;
  const [rows, ...rowShape] = shape;
  if (rows === undefined || sizeOf(shape) !== data.length || rowShape.some((extent) => extent < 1)) {
    const text = `Expected ${name} of shape [rows, ...] with as many values, found shape [${shape.join(", ")}] and ${data.length} values.`;
    throw new StampedeError("option.invalid", `${text} Nothing was written.`);
  }
  const width = sizeOf(rowShape);
  async function* blocks(blockRows: number, start: number, end: number): AsyncGenerator<Tensor["data"], undefined> {
    for (let row = start; row < end; row += blockRows) {
      yield data.subarray(row * width, Math.min(row + blockRows, end) * width);
    }
  }
  return { name, dtype, rowShape, rows, blocks, placeOf: (row) => `${name}, row ${row} (counted from 0)` };
}

function hashOf({ dtype, shape, data }: Tensor): { dtype: string; shape: readonly number[]; sha256: string } {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, shape, sha256: createHash("sha256").update(bytes).digest("hex") };
}
