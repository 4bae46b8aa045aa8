import type * as z from "zod";
import type { NamedTensors } from "../tensors.js";
import { corruptObject } from "./corrupt-object.js";
import { recordFromJson, recordToJson } from "./records.js";
import { decodeSafetensorsHeader, lengthBytes, metadataName } from "./safetensors-header.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import { checkSeal, emptySeal, writeSeal } from "./seal.js";

const recordName = "record";
/** What follows the header's length: the metadata is written first, and in it the seal. */
const opening = new TextEncoder().encode(`{"${metadataName}":{"crc32":"`);

/**
 * Tensors and the record that belongs to them as one object: a safetensors file whose metadata holds the record as JSON and a
 * CRC-32 over the whole file. Both are true or neither is.
 * @throws RangeError as `encodeSafetensors`
 * @throws StampedeError `internal.unexpected` when the record does not fit its schema
 */
export function encodeTensorRecord<S extends z.ZodType>(
  schema: S,
  record: z.output<S>,
  tensors: NamedTensors,
): Uint8Array<ArrayBuffer> {
  const bytes = encodeSafetensors(tensors, { crc32: emptySeal, [recordName]: recordToJson(schema, record) });
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
 * The record alone, from the first bytes of the object (`safetensorsHeaderEnd` tells how many are needed). The seal covers the whole
 * object and cannot be checked here: damage that leaves the header valid goes unnoticed.
 * @throws StampedeError `store.corrupt` naming `key`
 */
export function decodeTensorRecordHeader<S extends z.ZodType>(schema: S, prefix: Uint8Array, key: string): z.output<S> {
  return recordOf(schema, decodeSafetensorsHeader(prefix, key).metadata, key);
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
  return recordFromJson(schema, text, key);
}
