import { bytesPerElement, sizeOf, type DType, type Field } from "@stampede/core";
import {
  field as arrowField,
  fixedSizeList,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  uint16,
  uint8,
  type DataType,
  type Field as ArrowField,
} from "@uwdata/flechette";

/** A column of an Arrow file: rows of one shape; `[]` makes it a column of plain numbers. */
export interface TensorColumn<D extends DType | "int64" = DType> {
  readonly name: string;
  readonly dtype: D;
  readonly rowShape: readonly number[];
}
/** int64 is for row numbers only. */
export type AnyColumn = TensorColumn<DType | "int64">;

export function rowBytesOf({ dtype, rowShape }: AnyColumn): number {
  return sizeOf(rowShape) * (dtype === "int64" ? 8 : bytesPerElement[dtype]);
}

/** What of a field says how its values lie in partition files. */
export type StoredField = Pick<Field, "name" | "storage" | "storedShape">;

/** The bytes of one row of a field, as stored. */
export function storedRowBytes({ storage, storedShape }: StoredField): number {
  return bytesPerElement[storage] * sizeOf(storedShape);
}

/** The column of a partition file that holds a field's stored values. */
export function columnOf({ name, storage, storedShape }: StoredField): TensorColumn {
  return { name, dtype: storage, rowShape: storedShape };
}

const elementTypes = { float32, float64, int8, uint8, int16, uint16, int32, int64 } as const satisfies Record<
  AnyColumn["dtype"],
  () => DataType
>;

export function columnType({ dtype, rowShape }: AnyColumn): DataType {
  const element = elementTypes[dtype]();
  return rowShape.length === 0 ? element : fixedSizeList(arrowField("item", element, false), sizeOf(rowShape));
}

/** Rows with a shape are marked as Arrow's canonical `fixed_shape_tensor`, so that other readers get the shape back. */
export function columnField(column: AnyColumn): ArrowField {
  const { name, rowShape } = column;
  const metadata = new Map([
    ["ARROW:extension:name", "arrow.fixed_shape_tensor"],
    ["ARROW:extension:metadata", JSON.stringify({ shape: rowShape })],
  ]);
  return arrowField(name, columnType(column), false, rowShape.length === 0 ? null : metadata);
}
