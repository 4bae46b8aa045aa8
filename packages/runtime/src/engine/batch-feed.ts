import { encodedWidth, encodeRows, type Field, type ModelDefinition, type PartitionData } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { columnsOf, fedShape, type Column } from "./columns.js";
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

  /** @throws StampedeError `model.data-mismatch` when the fields of the role do not fit the model */
  constructor(data: PartitionData, role: Field["role"], definition: ModelDefinition) {
    this.#sources = columnsOf(data, role, definition).map((column) => ({ ...column, buffer: new Float32Array() }));
  }

  /** Always float32: tfjs casts to what a layer needs, and float32 holds every class index (they end at a million) exactly. */
  next(rows: Rows): Fed[] {
    const count = rows instanceof Uint32Array ? rows.length : rows.to - rows.from;
    return this.#sources.map((source) => {
      const { field } = source;
      const length = count * encodedWidth(field);
      if (source.buffer.length < length) source.buffer = new Float32Array(length);
      const values = source.buffer.subarray(0, length);
      encodeRows(field, source.tensor.data, rows, values);
      return { values, tensor: tf.tensor(values, [count, ...fedShape(field)]) };
    });
  }
}

interface Source extends Column {
  buffer: Float32Array;
}
