import { crc32 } from "node:zlib";
import { CheckpointRecord, decodeRecord, decodeTensorRecordHeader, EvaluationRecord } from "@stampede/core";

const lengthBytes = 8;

/** What a task computed, or a part of it, without who computed it and when: equal for two attempts of one task. */
export function contentOf(key: string, body: Uint8Array): string {
  if (key.includes("/checkpoints/")) return `${crc32(tensorBytes(body)).toString(36)} ${workIn(key, body)}`;
  if (key.endsWith(".safetensors")) return crc32(tensorBytes(body)).toString(36);
  if (key.endsWith(".arrow")) return crc32(body).toString(36);
  const { metrics, examples } = decodeRecord(EvaluationRecord, body, key);
  return JSON.stringify({ metrics, examples });
}

/** What a checkpoint says of the work that was done. */
function workIn(key: string, body: Uint8Array): string {
  const { batches, examples, metrics, validation } = decodeTensorRecordHeader(CheckpointRecord, body, key);
  return JSON.stringify({ batches, examples, metrics, validation });
}

/** What follows the header of a safetensors file: 8 bytes that tell its length, then JSON with the record. */
function tensorBytes(body: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = body;
  const headerBytes = Number(new DataView(buffer, byteOffset, byteLength).getBigUint64(0, true));
  return body.subarray(lengthBytes + headerBytes);
}
