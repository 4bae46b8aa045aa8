import { StampedeError } from "@stampede/core";

const blockBytes = 512;
/** What a model archive has: no other name is written to a disk. */
const allowed = /^(model\.json|stampede\.json|weights[\w-]{0,40}\.bin|graphs\/[a-z0-9-]{1,40}\.onnx)$/;
const maxFiles = 10_000;

/**
 * The files of a model archive (ustar).
 * @throws StampedeError `model.invalid` for anything else, and for names that a model does not have
 */
export function untar(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + blockBytes <= archive.length;) {
    const header = Buffer.from(archive.buffer, archive.byteOffset + at, blockBytes);
    if (header.every((byte) => byte === 0)) return files;
    const name = textIn(header, 0, 100);
    const size = Number.parseInt(textIn(header, 124, 12), 8);
    const start = at + blockBytes;
    const isWhole = Number.isInteger(size) && start + size <= archive.length;
    if (textIn(header, 257, 6) !== "ustar" || !allowed.test(name) || !isWhole || files.size >= maxFiles) {
      throw damaged();
    }
    files.set(name, archive.subarray(start, start + size));
    at = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  throw damaged();
}

function textIn(header: Buffer, at: number, length: number): string {
  const text = header.toString("latin1", at, at + length);
  const end = text.indexOf("\0");
  return (end === -1 ? text : text.slice(0, end)).trim();
}

function damaged(): StampedeError {
  const message =
    "Expected an archive of a model's files, found another, or one that was cut short. Nothing was saved.";
  return new StampedeError("model.invalid", message);
}
