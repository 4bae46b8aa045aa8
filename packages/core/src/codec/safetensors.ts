import { bytesPerElement, sizeOf, tensorOf, viewOf, type NamedTensors, type Tensor } from "../tensors.js";
import { corruptObject } from "./corrupt-object.js";
import {
  decodeSafetensorsHeader,
  lengthBytes,
  metadataName,
  safetensorsDTypes,
  type TensorEntry,
} from "./safetensors-header.js";

/** Behind the header the data begins at a multiple of this, so that readers can view the first tensors without copying. */
const alignment = 8;

/**
 * Writes tensors in the safetensors format, which Python's `safetensors` reads: 8 bytes with the header's length (little-endian),
 * a JSON header, the tensors' bytes one behind the other in the order of insertion. Equal input gives equal bytes.
 * https://github.com/huggingface/safetensors#format
 *
 * Numbers are stored as they lie in memory: Stampede runs on little-endian processors only.
 * @param metadata text to store along; written first, in the order of its keys
 * @throws RangeError when a tensor's data does not fit its shape, or a tensor is called `__metadata__`
 */
export function encodeSafetensors(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { header, dataBytes } = encodeHeader(tensors, metadata);
  const bytes = new Uint8Array(lengthBytes + header.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, lengthBytes);
  let offset = lengthBytes + header.length;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

// Built as text: in an object, names like "0" would move to the front and "__proto__" would get lost.
function encodeHeader(
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>>,
): { readonly header: Uint8Array; readonly dataBytes: number } {
  const members = Object.keys(metadata).length === 0 ? [] : [`"${metadataName}":${JSON.stringify(metadata)}`];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    refuseMisfit(name, tensor);
    const end = offset + tensor.data.byteLength;
    const entry = { dtype: safetensorsDTypes[tensor.dtype], shape: tensor.shape, data_offsets: [offset, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    offset = end;
  }
  const text = new TextEncoder().encode(`{${members.join(",")}}`);
  const header = new Uint8Array(Math.ceil((lengthBytes + text.length) / alignment) * alignment - lengthBytes).fill(
    0x20,
  );
  header.set(text);
  return { header, dataBytes: offset };
}

function refuseMisfit(name: string, { shape, data }: Tensor): void {
  if (name === metadataName) throw new RangeError(`Expected another name for a tensor than ${metadataName}.`);
  if (sizeOf(shape) === data.length) return;
  const found = `${data.length} elements and shape [${shape.join(", ")}]`;
  throw new RangeError(`Expected the data of tensor ${JSON.stringify(name)} to fit its shape, found ${found}.`);
}

/**
 * Reads what `encodeSafetensors` or any other safetensors writer wrote, in the order of the data. (Only of tensors without
 * elements, which share an offset, the order is that of `JSON.parse`.) Tensors whose data is aligned are views of `bytes`: do not
 * change either; others are copies.
 * @param origin the object key or path, for messages
 * @throws StampedeError `store.corrupt` for anything but a complete and consistent file
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  origin: string,
): { readonly tensors: NamedTensors; readonly metadata: Record<string, string> } {
  const { metadata, entries, dataStart } = decodeSafetensorsHeader(bytes, origin);
  const expected = dataStart + (entries.at(-1)?.end ?? 0);
  if (bytes.length !== expected) {
    throw corruptObject(origin, `${expected} bytes, as its safetensors header says,`, `${bytes.length} bytes`);
  }
  return { tensors: new Map(entries.map((entry) => [entry.name, readTensor(bytes, dataStart, entry)])), metadata };
}

function readTensor(bytes: Uint8Array, dataStart: number, { dtype, shape, begin, end }: TensorEntry): Tensor {
  const elementBytes = bytesPerElement[dtype];
  const count = (end - begin) / elementBytes;
  const offset = bytes.byteOffset + dataStart + begin;
  if (offset % elementBytes === 0) return tensorOf(viewOf(dtype, bytes.buffer, offset, count), shape);
  // Not `slice`: a Buffer's is a view.
  const copy = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
  return tensorOf(viewOf(dtype, copy.buffer, copy.byteOffset, count), shape);
}
