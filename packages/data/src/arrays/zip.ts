import { crc32 } from "node:zlib";
import type { ByteReader, OpenedFile, StampedeError } from "@stampede/core";
import { openRange } from "../files/byte-reader.js";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";

/** One file of a zip archive, as its central directory has it. */
export interface ZipEntry {
  readonly name: string;
  readonly deflated: boolean;
  readonly crc: number;
  readonly bytes: number;
  readonly compressedBytes: number;
  /** Where its local header starts. */
  readonly offset: number;
}

/** Caps against archives that are made to exhaust memory or disk. Entries are inflated as streams, never whole. */
const limits = { directoryBytes: 16 * 1024 * 1024, entries: 10_000, entryBytes: 64 * 1024 ** 3 } as const;

const directoryEnd = { signature: 0x06054b50, bytes: 22, maxComment: 65_535 } as const;
const zip64Locator = { signature: 0x07064b50, bytes: 20 } as const;
const zip64End = { signature: 0x06064b50, bytes: 56 } as const;
const centralHeader = { signature: 0x02014b50, bytes: 46 } as const;
const localHeader = { signature: 0x04034b50, bytes: 30 } as const;
const inZip64 = 0xffff_ffff;

/** Reads the central directory. Format: PKWARE APPNOTE.TXT 6.3, sections 4.3 and 4.5.3. */
export async function readZipDirectory(file: DataFile): Promise<readonly ZipEntry[]> {
  return withFile(file, async (opened) => {
    const { entries, bytes, offset } = await findDirectory(file, opened);
    if (entries > limits.entries || bytes > limits.directoryBytes) {
      throw notZip(file, `a directory of ${entries} entries and ${bytes} bytes, more than Stampede reads`);
    }
    const directory = await readAt(file, opened, offset, bytes);
    return parseEntries(file, directory, entries);
  });
}

/** The entry's bytes, inflated; checked against the directory's size and checksum when the last one was read. */
export async function openZipEntry(file: DataFile, entry: ZipEntry): Promise<ByteReader> {
  if (entry.bytes > limits.entryBytes) {
    throw notZip(file, `the entry ${entry.name} of ${entry.bytes} bytes, more than ${limits.entryBytes}`);
  }
  const start = await withFile(file, async (opened) => {
    const header = await readAt(file, opened, entry.offset, localHeader.bytes);
    if (header.readUInt32LE(0) !== localHeader.signature) throw notZip(file, `no local header for ${entry.name}`);
    return entry.offset + localHeader.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  });
  const range = { start, end: start + entry.compressedBytes };
  return checked(file, entry, await openRange(file, range, entry.deflated));
}

function checked(file: DataFile, entry: ZipEntry, inner: ByteReader): ByteReader {
  let crc = 0;
  let total = 0;
  return {
    async read(into) {
      const filled = await inner.read(into);
      crc = crc32(into.subarray(0, filled), crc);
      total += filled;
      const complete = filled < into.length || total >= entry.bytes;
      if (total > entry.bytes || (complete && (total !== entry.bytes || crc !== entry.crc))) {
        throw notZip(file, `the entry ${entry.name} with another size or checksum than its directory says`);
      }
      return filled;
    },
    close: () => inner.close(),
  };
}

async function withFile<T>(file: DataFile, use: (opened: OpenedFile) => Promise<T>): Promise<T> {
  const opened = await file.files.open(file.path);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

async function readAt(file: DataFile, opened: OpenedFile, start: number, bytes: number): Promise<Buffer> {
  const end = start + bytes;
  if (!Number.isSafeInteger(end) || start < 0 || end > opened.bytes) {
    throw notZip(file, "a directory that points outside the file; it is truncated or damaged");
  }
  const into = Buffer.alloc(bytes);
  if ((await opened.reader({ start, end }).read(into)) < bytes) throw notZip(file, "fewer bytes than it had at first");
  return into;
}

interface Directory {
  readonly entries: number;
  readonly bytes: number;
  readonly offset: number;
}

async function findDirectory(file: DataFile, opened: OpenedFile): Promise<Directory> {
  const size = opened.bytes;
  const tailBytes = Math.min(size, directoryEnd.bytes + directoryEnd.maxComment + zip64Locator.bytes);
  const tail = await readAt(file, opened, size - tailBytes, tailBytes);
  for (let at = tail.length - directoryEnd.bytes; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== directoryEnd.signature) continue;
    const locator = at - zip64Locator.bytes;
    if (locator >= 0 && tail.readUInt32LE(locator) === zip64Locator.signature) {
      return readZip64End(file, opened, Number(tail.readBigUInt64LE(locator + 8)));
    }
    return {
      entries: tail.readUInt16LE(at + 10),
      bytes: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
    };
  }
  throw notZip(file, "no directory at its end");
}

async function readZip64End(file: DataFile, opened: OpenedFile, position: number): Promise<Directory> {
  const end = await readAt(file, opened, position, zip64End.bytes);
  if (end.readUInt32LE(0) !== zip64End.signature) throw notZip(file, "a damaged zip64 directory");
  return {
    entries: Number(end.readBigUInt64LE(32)),
    bytes: Number(end.readBigUInt64LE(40)),
    offset: Number(end.readBigUInt64LE(48)),
  };
}

function parseEntries(file: DataFile, directory: Buffer, count: number): readonly ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + centralHeader.bytes > directory.length || directory.readUInt32LE(at) !== centralHeader.signature) {
      throw notZip(file, "a damaged directory");
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const end = at + centralHeader.bytes + nameBytes + extraBytes;
    entries.push(parseEntry(file, directory.subarray(at, end), nameBytes));
    at = end + directory.readUInt16LE(at + 32);
  }
  return entries;
}

function parseEntry(file: DataFile, header: Buffer, nameBytes: number): ZipEntry {
  const nameEnd = centralHeader.bytes + nameBytes;
  const name = header.toString("utf8", centralHeader.bytes, nameEnd);
  const encrypted = (header.readUInt16LE(8) & 1) === 1;
  const method = header.readUInt16LE(10);
  if (encrypted || (method !== 0 && method !== 8)) {
    throw notZip(file, `the entry ${name}, which is encrypted or not compressed with deflate`);
  }
  const wide = wideValues(header.subarray(nameEnd));
  // Values that do not fit 32 bits stand in the zip64 field, in this order.
  const read = (at: number): number => {
    const value = header.readUInt32LE(at);
    return value === inZip64 ? (wide.shift() ?? value) : value;
  };
  const bytes = read(24);
  const compressedBytes = read(20);
  const offset = read(42);
  return { name, deflated: method === 8, crc: header.readUInt32LE(16), bytes, compressedBytes, offset };
}

function wideValues(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    const field = extra.subarray(at + 4, at + 4 + length);
    if (extra.readUInt16LE(at) === 1) {
      return Array.from({ length: Math.floor(field.length / 8) }, (_, index) =>
        Number(field.readBigUInt64LE(8 * index)),
      );
    }
    at += 4 + length;
  }
  return [];
}

function notZip(file: DataFile, found: string): StampedeError {
  const text = `${file.name}: expected an NPZ file (a zip archive as numpy.savez writes it), found ${found}.`;
  return refusal("data.format", text, { details: { file: file.path } });
}
