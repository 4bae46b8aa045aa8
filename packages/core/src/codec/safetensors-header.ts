import * as z from "zod";
import { bytesPerElement, dtypes, type DType } from "../tensors.js";
import { corruptObject } from "./corrupt-object.js";

/** A hostile length must not make a reader allocate; the reference implementation stops at 100 MB. */
const maxHeaderBytes = 67_108_864;
export const lengthBytes = 8;
export const metadataName = "__metadata__";

export const safetensorsDTypes = {
  float32: "F32",
  float64: "F64",
  int8: "I8",
  uint8: "U8",
  int16: "I16",
  uint16: "U16",
  int32: "I32",
} as const satisfies Record<DType, string>;

const dtypeOf: ReadonlyMap<string, DType> = new Map(dtypes.map((dtype) => [safetensorsDTypes[dtype], dtype]));

/** Where a tensor lies: bytes `begin` ... `end - 1` of the data behind the header. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  /** In the order of their data, which has no gaps and no overlaps. */
  readonly entries: readonly TensorEntry[];
  /** Where the data begins: the length of the prefix that was read. */
  readonly dataStart: number;
}

const Extent = z.number().int().min(0);
const RawEntry = z.object({ dtype: z.string(), shape: z.array(Extent), data_offsets: z.tuple([Extent, Extent]) });

/**
 * The length of the prefix that `decodeSafetensorsHeader` needs, read from the first 8 bytes of a file.
 * @throws StampedeError `store.corrupt`
 */
export function safetensorsHeaderEnd(prefix: Uint8Array, origin: string): number {
  if (prefix.length < lengthBytes) {
    throw corruptObject(origin, "a safetensors file of at least 8 bytes", `${prefix.length} bytes`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw corruptObject(
      origin,
      `a safetensors header of at most ${maxHeaderBytes} bytes`,
      `a length of ${length} bytes`,
    );
  }
  return lengthBytes + Number(length);
}

/**
 * Reads and checks the header of a safetensors file from its first bytes, so that names, shapes and metadata cost one ranged read.
 * Whether the data is complete cannot be seen here. Of keys that stand twice in the JSON the last counts; the data of the first
 * is then a gap, which is refused.
 * @param prefix the file's first `safetensorsHeaderEnd` bytes, or more
 * @param origin the object key or path, for messages
 * @throws StampedeError `store.corrupt`
 */
export function decodeSafetensorsHeader(prefix: Uint8Array, origin: string): SafetensorsHeader {
  const dataStart = safetensorsHeaderEnd(prefix, origin);
  if (prefix.length < dataStart) {
    throw corruptObject(
      origin,
      `a safetensors header of ${dataStart - lengthBytes} bytes`,
      `${prefix.length - lengthBytes} bytes`,
    );
  }
  const header = parseHeader(prefix.subarray(lengthBytes, dataStart), origin);
  const entries = header.filter(([name]) => name !== metadataName).map(([name, raw]) => decodeEntry(name, raw, origin));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  refuseHolesAndOverlaps(entries, origin);
  const metadata = header.find(([name]) => name === metadataName)?.[1];
  return { metadata: decodeMetadata(metadata, origin), entries, dataStart };
}

function parseHeader(bytes: Uint8Array, origin: string): [string, unknown][] {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw corruptObject(origin, "a safetensors header in JSON", String(cause), cause);
  }
  if (!isObject(header)) throw corruptObject(origin, "a JSON object as the safetensors header", describe(header));
  return Object.entries(header);
}

function decodeMetadata(raw: unknown, origin: string): Record<string, string> {
  if (raw === undefined) return {};
  if (!isObject(raw)) throw corruptObject(origin, `an object as ${metadataName}`, describe(raw));
  const entries = Object.entries(raw).map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name, value];
    throw corruptObject(origin, `text as ${metadataName}.${name}`, describe(value));
  });
  return Object.fromEntries(entries);
}

function decodeEntry(name: string, raw: unknown, origin: string): TensorEntry {
  const tensor = `tensor ${JSON.stringify(name)}`;
  const parsed = RawEntry.safeParse(raw);
  if (!parsed.success) {
    const place = parsed.error.issues[0]?.path.join(".") ?? "";
    throw corruptObject(origin, `dtype, shape and data_offsets of ${tensor}`, `${describe(raw)} (wrong at "${place}")`);
  }
  const { shape, data_offsets: offsets } = parsed.data;
  const dtype = dtypeOf.get(parsed.data.dtype);
  if (dtype === undefined) {
    const known = Object.values(safetensorsDTypes).join(", ");
    throw corruptObject(origin, `${tensor} to have one of the dtypes ${known}`, describe(parsed.data.dtype));
  }
  const [begin, end] = offsets;
  const bytes = byteLength(shape, bytesPerElement[dtype]);
  if (bytes === undefined || end - begin !== bytes) {
    const expected = bytes === undefined ? `fewer than 2^53 bytes for ${tensor}` : `${bytes} bytes for ${tensor}`;
    throw corruptObject(origin, expected, `shape [${shape.join(", ")}] and data_offsets [${begin}, ${end}]`);
  }
  return { name, dtype, shape, begin, end };
}

/** Undefined where the product is not a safe integer, even if a later extent is 0. */
function byteLength(shape: readonly number[], elementBytes: number): number | undefined {
  let product = elementBytes;
  for (const extent of shape) {
    product *= extent;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

function refuseHolesAndOverlaps(sorted: readonly TensorEntry[], origin: string): void {
  let expected = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== expected) {
      const found = begin > expected ? `a gap of ${begin - expected} bytes` : `an overlap of ${expected - begin} bytes`;
      throw corruptObject(origin, `tensor ${JSON.stringify(name)} to begin at byte ${expected} of the data`, found);
    }
    expected = end;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
