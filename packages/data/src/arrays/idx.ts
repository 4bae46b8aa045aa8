import type { ByteReader, StampedeError } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";
import type { SourceDType } from "../sources/source.js";
import { checkHeader, type ArrayHeader } from "./array-header.js";

/**
 * The type byte of the IDX format: two zero bytes, this one, the number of dimensions, the dimensions (4 bytes each), the
 * values; all big endian. http://yann.lecun.com/exdb/mnist/
 */
const dtypes: Readonly<Record<number, SourceDType>> = {
  0x08: "uint8",
  0x09: "int8",
  0x0b: "int16",
  0x0c: "int32",
  0x0d: "float32",
  0x0e: "float64",
};

/** Reads the header and leaves the reader at the first value. @throws StampedeError `data.format` */
export async function readIdxHeader(file: DataFile, reader: ByteReader): Promise<ArrayHeader> {
  const magic = new Uint8Array(4);
  if ((await reader.read(magic)) < magic.length) throw truncated(file);
  const dtype = dtypes[magic[2] ?? 0];
  const rank = magic[3] ?? 0;
  if (magic[0] !== 0 || magic[1] !== 0 || dtype === undefined || rank === 0) throw notIdx(file, magic);
  const extents = Buffer.alloc(4 * rank);
  if ((await reader.read(extents)) < extents.length) throw truncated(file);
  const [rows = 0, ...rowShape] = Array.from({ length: rank }, (_, axis) => extents.readUInt32BE(4 * axis));
  return checkHeader(file, { dtype, littleEndian: false, rows, rowShape });
}

function truncated(file: DataFile): StampedeError {
  return refusal("data.format", `${file.name}: expected an IDX header, found the end of the file.`, {
    details: { file: file.path },
  });
}

function notIdx(file: DataFile, magic: Uint8Array): StampedeError {
  const found = [...magic].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const gzip = magic[0] === 0x1f && magic[1] === 0x8b;
  const hint = gzip
    ? ` These are the first bytes of a gzip file: give it a name that ends in .gz (${quoted(`${file.name}.gz`)}).`
    : "";
  const text = `${file.name}: expected an IDX file (00 00, a type 08 ... 0e, the number of dimensions), found the bytes ${found}.${hint}`;
  return refusal("data.format", text, { details: { file: file.path } });
}
