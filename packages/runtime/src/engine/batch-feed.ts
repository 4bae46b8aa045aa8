import { encodedWidth, encodeRows, sizeOf, StampedeError, type Field, type PartitionData } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { tf } from "./tfjs.js";

export type Rows = Uint32Array | { readonly from: number; readonly to: number };

/** One field's values, as the model is fed them. */
export interface Fed {
  /** Lives until the next batch. */
  readonly values: Float32Array;
  readonly tensor: Tf.Tensor;
}

/** Turns rows of a partition into tensors, field by field, through buffers that are used again for every batch. */
export class BatchFeed {
  readonly #sources: readonly Source[];

  /** @throws StampedeError `model.data-mismatch` when there are not `count` fields of the role */
  constructor(data: PartitionData, role: Field["role"], count: number) {
    const fields = data.fields.filter(({ field }) => field.role === role);
    if (fields.length !== count) {
      const side = role === "feature" ? "input" : "output";
      const message = `Expected ${count} ${role} field(s), one for each ${side} of the model; found ${fields.length}.`;
      throw new StampedeError("model.data-mismatch", message);
    }
    this.#sources = fields.map(({ field, tensor }) => ({
      field,
      stored: tensor.data,
      // A row of one number is a row all the same: tfjs, too, makes [n] into [n, 1].
      shape: field.shape.length === 0 ? [1] : field.shape,
      buffer: new Float32Array(),
    }));
  }

  /** Always float32: tfjs casts to what a layer needs, and float32 holds every class index (they end at a million) exactly. */
  next(rows: Rows): Fed[] {
    const count = rows instanceof Uint32Array ? rows.length : rows.to - rows.from;
    return this.#sources.map((source) => {
      const length = count * encodedWidth(source.field);
      if (source.buffer.length < length) source.buffer = new Float32Array(length);
      const values = source.buffer.subarray(0, length);
      encodeRows(source.field, source.stored, rows, values);
      return { values, tensor: tf.tensor(values, [count, ...this.#shapeOf(source, length, count)]) };
    });
  }

  #shapeOf({ field, shape }: Source, length: number, count: number): readonly number[] {
    if (sizeOf(shape) * count === length) return shape;
    const message = `Expected field "${field.name}" to have ${sizeOf(shape)} values a row, found ${length / count}.`;
    throw new StampedeError("model.data-mismatch", message, { details: { field: field.name } });
  }
}

interface Source {
  readonly field: Field;
  readonly stored: PartitionData["fields"][number]["tensor"]["data"];
  readonly shape: readonly number[];
  buffer: Float32Array;
}
