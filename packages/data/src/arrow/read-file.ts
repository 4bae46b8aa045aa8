import { bytesPerElement, sizeOf, tensorOf, viewOf, type NumericArray, type Tensor } from "@stampede/core";
import { tableFromIPC, Type, type Batch, type Column, type Table } from "@uwdata/flechette";
import { columnType, type TensorColumn } from "./column-types.js";
import { corrupt, decoding } from "./corrupt.js";

/**
 * The columns of an Arrow file as tensors of shape [rows, ...rowShape]: views of `bytes` where the file holds one record batch,
 * else one copy.
 *
 * @param key the object's key, for messages
 * @throws StampedeError `store.corrupt` for anything but a file of exactly these columns without nulls
 */
export function readArrowFile(bytes: Uint8Array, columns: readonly TensorColumn[], key: string): readonly Tensor[] {
  return decoding(key, "an Arrow file", () => {
    const table = readTable(bytes);
    const found = table.schema.fields.map(({ name }) => name);
    const expected = columns.map(({ name }) => name);
    if (found.join("\n") !== expected.join("\n")) {
      throw corrupt(key, `the columns ${expected.join(", ")}`, `the columns ${found.join(", ")}`);
    }
    return columns.map((column, index) => readColumn(table.children[index], column, key));
  });
}

export function readTable(bytes: Uint8Array): Table {
  return tableFromIPC(aligned(bytes));
}

/** Typed arrays can only view multiples of their element size; a store may hand out any part of a buffer. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}

export function readColumn(column: Column<unknown> | undefined, wanted: TensorColumn, key: string): Tensor {
  const type = columnType(wanted);
  if (column === undefined || !sameType(column.type, type)) {
    throw corrupt(
      key,
      `column ${wanted.name} of ${wanted.dtype} values in rows of shape [${wanted.rowShape.join(", ")}]`,
      "another type",
    );
  }
  const width = sizeOf(wanted.rowShape);
  const parts = column.data.map((batch) => valuesOf(batch, wanted, width, key));
  return tensorOf(joined(parts, wanted, column.length * width), [column.length, ...wanted.rowShape]);
}

function sameType(found: Column<unknown>["type"], wanted: Column<unknown>["type"]): boolean {
  if (found.typeId === Type.FixedSizeList && wanted.typeId === Type.FixedSizeList) {
    const [foundItem] = found.children;
    const [wantedItem] = wanted.children;
    return (
      found.stride === wanted.stride &&
      foundItem !== undefined &&
      wantedItem !== undefined &&
      sameType(foundItem.type, wantedItem.type)
    );
  }
  if (found.typeId === Type.Int && wanted.typeId === Type.Int) {
    return found.bitWidth === wanted.bitWidth && found.signed === wanted.signed;
  }
  if (found.typeId === Type.Float && wanted.typeId === Type.Float) return found.precision === wanted.precision;
  return false;
}

function valuesOf(
  batch: Batch<unknown>,
  { name, dtype, rowShape }: TensorColumn,
  width: number,
  key: string,
): NumericArray {
  const holder = rowShape.length === 0 ? batch : batch.children[0];
  if (holder === undefined || batch.nullCount > 0 || holder.nullCount > 0) {
    throw corrupt(key, `column ${name} without nulls`, "nulls");
  }
  const { buffer, byteOffset } = holder.values;
  const count = batch.length * width;
  if (holder.values.length < count) throw corrupt(key, `${count} values in column ${name}`, `${holder.values.length}`);
  return viewOf(dtype, buffer, byteOffset, count);
}

function joined(parts: readonly NumericArray[], { dtype }: TensorColumn, length: number): NumericArray {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only;
  const all = viewOf(dtype, new ArrayBuffer(length * bytesPerElement[dtype]), 0, length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
