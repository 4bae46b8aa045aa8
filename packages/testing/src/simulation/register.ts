import { crc32 } from "node:zlib";

/** Bodies of these records carry a token: no two are alike. */
export function valueOf(body: Uint8Array): string {
  return crc32(body).toString(36);
}

/** Records that are decided by compare-and-swap, or by being first. */
export function isRegister(key: string): boolean {
  return key.endsWith("/head.json") || key.endsWith("/result.json");
}
