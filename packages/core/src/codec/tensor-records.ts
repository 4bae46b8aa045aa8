import type * as z from "zod";
import type { NamedTensors } from "../tensors.js";
import { corruptObject } from "./corrupt-object.js";
import { recordFromJson, recordToJson } from "./records.js";
import { decodeBlockSums, encodeBlockSums } from "./block-sums.js";
import { decodeSafetensorsHeader, lengthBytes, metadataName, type TensorEntry } from "./safetensors-header.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import { checkSeal, crc32Hex, emptySeal, writeSeal } from "./seal.js";

const recordName = "record";
/** CRC-32 of the record's text: the header is also read without the rest of the object, which the seal covers. */
const recordSealName = "recordCrc32";
/** Checksums of the data's blocks, where there is more than one block: ranges are also read without the rest. */
const blocksName = "blocks";
/** What follows the header's length: the metadata is written first, and in it the seal. */
const opening = new TextEncoder().encode(`{"${metadataName}":{"crc32":"`);

/**
 * Tensors and the record that belongs to them as one object: a safetensors file whose metadata holds the record as JSON, its CRC-32 and
 * one over the whole file. Both are true or neither is.
 * @throws RangeError as `encodeSafetensors`
 * @throws StampedeError `internal.unexpected` when the record does not fit its schema
 */
export function encodeTensorRecord<S extends z.ZodType>(
  schema: S,
  record: z.output<S>,
  tensors: NamedTensors,
): Uint8Array<ArrayBuffer> {
  const text = recordToJson(schema, record);
  const blocks = encodeBlockSums(tensors);
  const bytes = encodeSafetensors(tensors, {
    crc32: emptySeal,
    [recordName]: text,
    [recordSealName]: crc32Hex(text),
    ...(blocks !== undefined && { [blocksName]: blocks }),
  });
  writeSeal(bytes, lengthBytes + opening.length);
  return bytes;
}

/**
 * Tensors are views of `bytes` where alignment allows, see `decodeSafetensors`.
 * @throws StampedeError `store.corrupt` naming `key`, when a single bit is wrong, the version is unknown or the record of another kind
 */
export function decodeTensorRecord<S extends z.ZodType>(
  schema: S,
  bytes: Uint8Array,
  key: string,
): { readonly record: z.output<S>; readonly tensors: NamedTensors } {
  // First, because it can tell how many bytes are missing; a seal only tells that something is wrong.
  const { tensors, metadata } = decodeSafetensors(bytes, key);
  checkSeal(bytes, sealedOpening(bytes), key);
  return { record: recordOf(schema, metadata, key), tensors };
}

/**
 * The record alone, from the first bytes of the object (`safetensorsHeaderEnd` tells how many are needed), checked by its own CRC-32.
 * What was written before records had one is read unchecked.
 * @throws StampedeError `store.corrupt` naming `key`
 */
export function decodeTensorRecordHeader<S extends z.ZodType>(schema: S, prefix: Uint8Array, key: string): z.output<S> {
  return recordOf(schema, decodeSafetensorsHeader(prefix, key).metadata, key);
}

/** What the beginning of a tensor record tells of the whole. */
export interface TensorRecordHeader<T> {
  readonly record: T;
  /** In the order of their data. */
  readonly entries: readonly TensorEntry[];
  /** Where the data begins in the object. */
  readonly dataStart: number;
  readonly dataBytes: number;
  /** Of the blocks of the data, see `checkBlocks`; undefined for small data. */
  readonly blockSums: Int32Array | undefined;
}

/**
 * The record and where the tensors lie, from the first bytes of the object. The record and the checksums are checked, the entries are not:
 * only the seal covers those.
 * @throws StampedeError `store.corrupt` naming `key`
 */
export function decodeTensorRecordLayout<S extends z.ZodType>(
  schema: S,
  prefix: Uint8Array,
  key: string,
): TensorRecordHeader<z.output<S>> {
  const { metadata, entries, dataStart } = decodeSafetensorsHeader(prefix, key);
  const dataBytes = entries.at(-1)?.end ?? 0;
  const blocks = Object.hasOwn(metadata, blocksName) ? metadata[blocksName] : undefined;
  const blockSums = blocks === undefined ? undefined : decodeBlockSums(blocks, dataBytes, key);
  return { record: recordOf(schema, metadata, key), entries, dataStart, dataBytes, blockSums };
}

/** The opening that this object must have: its own header length, then ours. */
function sealedOpening(bytes: Uint8Array): Uint8Array {
  const expected = new Uint8Array(lengthBytes + opening.length);
  expected.set(bytes.subarray(0, lengthBytes));
  expected.set(opening, lengthBytes);
  return expected;
}

function recordOf<S extends z.ZodType>(schema: S, metadata: Record<string, string>, key: string): z.output<S> {
  const text = Object.hasOwn(metadata, recordName) ? metadata[recordName] : undefined;
  if (text === undefined) throw corruptObject(key, "a record in the safetensors metadata", "none");
  const seal = Object.hasOwn(metadata, recordSealName) ? metadata[recordSealName] : undefined;
  if (seal !== undefined && seal !== crc32Hex(text)) {
    throw corruptObject(key, `a record with the CRC-32 ${JSON.stringify(seal)}`, JSON.stringify(crc32Hex(text)));
  }
  return recordFromJson(schema, text, key);
}
