import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import type { GetObjectCommandOutput } from "@aws-sdk/client-s3";

/** The body of an answer broke off, or is not what was stored. The SDK repeats requests, but not for this. */
export class BrokenBody extends Error {
  override readonly name = "BrokenBody";
}

/** Calls of one read before a broken body counts. */
const maxTries = 3;

/** Reads once more where a body was broken. */
export async function withWholeBody<T>(read: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof BrokenBody) || tries === maxTries) throw error;
    }
  }
}

/**
 * Copies a body to where it belongs as it comes in, so that it is in memory once.
 * @throws BrokenBody when it does not fill `into` exactly, or is not what its checksum says
 */
export async function fill(into: Uint8Array, body: GetObjectCommandOutput["Body"]): Promise<void> {
  let filled = 0;
  for await (const chunk of chunksOf(body)) {
    if (chunk.length > into.length - filled) throw new BrokenBody(`a body of more than ${into.length} bytes came`);
    into.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < into.length) throw new BrokenBody(`${filled} of ${into.length} bytes came`);
}

async function* chunksOf(body: GetObjectCommandOutput["Body"]): AsyncGenerator<Uint8Array> {
  if (!(body instanceof Readable)) return;
  try {
    for await (const chunk of body) if (chunk instanceof Uint8Array) yield chunk;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new BrokenBody(`the body broke off: ${said}`, { cause: error });
  }
}

/** The rest of a body is not wanted: its connection is closed. */
export function drop(body: GetObjectCommandOutput["Body"]): void {
  if (!(body instanceof Readable)) return;
  // Whatever ends it is no news.
  body.on("error", () => undefined);
  body.destroy();
}

/**
 * @param stored base64; of an upload in parts it may be one of the parts' checksums ("...-13"), which tells nothing here
 * @throws BrokenBody
 */
export function checkCrc32(body: Uint8Array, stored: string | undefined): void {
  if (stored === undefined || stored.includes("-")) return;
  const found = crc32Base64(crc32(body));
  if (found !== stored) throw new BrokenBody(`the CRC-32 is ${found}, and was ${stored} when it was stored`);
}

export function crc32Base64(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("base64");
}
