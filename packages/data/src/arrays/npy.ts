import type { ByteReader, StampedeError } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";
import type { SourceDType } from "../sources/source.js";
import { checkHeader, type ArrayHeader } from "./array-header.js";

/**
 * NPY: "\x93NUMPY", version (2 bytes), header length (2 bytes, from version 2 on 4), a Python dict as text, the values.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
const magic = Buffer.from("\x93NUMPY", "latin1");
/** numpy itself refuses to parse headers over 10,000 characters unless told otherwise. */
const maxHeaderBytes = 65_535;

const dtypes: Readonly<Record<string, SourceDType>> = {
  b1: "uint8",
  u1: "uint8",
  i1: "int8",
  u2: "uint16",
  i2: "int16",
  u4: "uint32",
  i4: "int32",
  u8: "uint64",
  i8: "int64",
  f4: "float32",
  f8: "float64",
};

/** Reads the header and leaves the reader at the first value. @throws StampedeError `data.format` */
export async function readNpyHeader(file: DataFile, reader: ByteReader): Promise<ArrayHeader> {
  const start = await take(file, reader, magic.length + 2);
  if (!start.subarray(0, magic.length).equals(magic)) {
    throw wrong(file, `expected an NPY file, found the bytes ${start.toString("hex")}`);
  }
  const version = start[magic.length] ?? 0;
  if (version < 1 || version > 3) throw wrong(file, `expected NPY version 1, 2 or 3, found ${version}`);
  const length =
    version === 1 ? (await take(file, reader, 2)).readUInt16LE() : (await take(file, reader, 4)).readUInt32LE();
  if (length > maxHeaderBytes) {
    throw wrong(file, `expected a header of at most ${maxHeaderBytes} bytes, found ${length}`);
  }
  const text = (await take(file, reader, length)).toString(version === 3 ? "utf8" : "latin1");
  return parseHeader(file, text);
}

function parseHeader(file: DataFile, text: string): ArrayHeader {
  const shapeText = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  if (shapeText === undefined || fortran === undefined || !text.includes("'descr'")) {
    throw wrong(file, `expected a header with descr, fortran_order and shape, found ${quoted(text.trim())}`);
  }
  const { dtype, littleEndian } = parseDescr(file, text);
  const extents = shapeText.split(",").flatMap((extent) => (extent.trim() === "" ? [] : [Number.parseInt(extent, 10)]));
  const [rows, ...rowShape] = extents;
  if (rows === undefined) throw wrong(file, "expected an array of rows, found a single value (shape [])");
  if (fortran === "True" && rowShape.length > 0) {
    throw wrong(
      file,
      "expected values in C order (row by row), found Fortran order; save numpy.ascontiguousarray(array)",
    );
  }
  return checkHeader(file, { dtype, littleEndian, rows, rowShape });
}

function parseDescr(file: DataFile, text: string): Pick<ArrayHeader, "dtype" | "littleEndian"> {
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  if (descr === undefined) {
    throw wrong(
      file,
      "expected an array of one numeric dtype, found a structured one; save its fields as arrays of their own",
    );
  }
  const dtype = dtypes[descr.slice(1)];
  if (dtype !== undefined) return { dtype, littleEndian: !descr.startsWith(">") };
  const found = descr.startsWith("|O") ? "object (pickled Python values)" : descr;
  const known = "bool, 8 to 64 bit integers, float32 and float64";
  throw wrong(file, `expected one of the dtypes ${known}, found ${found}; convert it with array.astype("float32")`);
}

async function take(file: DataFile, reader: ByteReader, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  if ((await reader.read(bytes)) < count) throw wrong(file, "expected an NPY header, found the end of the file");
  return bytes;
}

function wrong(file: DataFile, text: string): StampedeError {
  return refusal("data.format", `${file.name}: ${text}.`, { details: { file: file.path } });
}
