/** A safetensors file with any header, valid or not. */
export function fileOf(header: unknown, data = new Uint8Array()): Uint8Array {
  return rawFileOf(JSON.stringify(header), data);
}

export function rawFileOf(headerText: string, data = new Uint8Array()): Uint8Array {
  const header = new TextEncoder().encode(headerText);
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}
