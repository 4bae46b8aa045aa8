import { sizeOf, viewOf } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";
import { sourceBytes, type SourceArray, type SourceDType } from "../sources/source.js";

/** What the header of an IDX or NPY file says. */
export interface ArrayHeader {
  readonly dtype: SourceDType;
  readonly littleEndian: boolean;
  readonly rows: number;
  readonly rowShape: readonly number[];
}

/** A single row larger than this is taken for a damaged header. */
const maxRowBytes = 256 * 1024 * 1024;

export function rowBytesOf({ dtype, rowShape }: Pick<ArrayHeader, "dtype" | "rowShape">): number {
  return sizeOf(rowShape) * sourceBytes[dtype];
}

/** @throws StampedeError `data.format` for shapes that cannot be meant */
export function checkHeader(file: DataFile, header: ArrayHeader): ArrayHeader {
  const { rows, rowShape } = header;
  const extents = [rows, ...rowShape];
  const sound = extents.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (sound && rowShape.every((extent) => extent > 0) && rowBytesOf(header) <= maxRowBytes && rowShape.length <= 8) {
    return header;
  }
  const text =
    `${file.name}: expected an array of rows with at most 8 further dimensions and ${maxRowBytes} bytes a row, ` +
    `found shape [${extents.join(", ")}].`;
  throw refusal("data.format", text, { details: { file: file.path } });
}

/** Turns values as they lie in the file to this machine's byte order, in place. */
export function toMachineOrder({ dtype, littleEndian }: ArrayHeader, bytes: Buffer): void {
  if (littleEndian === machineIsLittleEndian) return;
  const size = sourceBytes[dtype];
  if (size === 2) bytes.swap16();
  else if (size === 4) bytes.swap32();
  else if (size === 8) bytes.swap64();
}

const machineIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Views bytes as values; `bytes` must start at a multiple of the value's size in its buffer. */
export function viewValues(dtype: SourceDType, { buffer, byteOffset, length }: Uint8Array): SourceArray {
  const count = length / sourceBytes[dtype];
  switch (dtype) {
    case "uint32":
      return new Uint32Array(buffer, byteOffset, count);
    case "int64":
      return new BigInt64Array(buffer, byteOffset, count);
    case "uint64":
      return new BigUint64Array(buffer, byteOffset, count);
    case "float32":
    case "float64":
    case "int8":
    case "uint8":
    case "int16":
    case "uint16":
    case "int32":
      return viewOf(dtype, buffer, byteOffset, count);
  }
}
