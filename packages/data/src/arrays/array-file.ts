import type { ByteReader } from "../files/byte-reader.js";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";
import { Scratch } from "../scratch.js";
import type { SourceArray } from "../sources/source.js";
import { rowBytesOf, toMachineOrder, viewValues, type ArrayHeader } from "./array-header.js";
import type { ArrayInput } from "./array-input.js";

/** A place that holds one array: how its bytes are opened and its header read. */
export interface ArrayFile {
  readonly file: DataFile;
  readonly open: () => Promise<ByteReader>;
  readonly readHeader: (file: DataFile, reader: ByteReader) => Promise<ArrayHeader>;
}

interface Piece {
  readonly source: ArrayFile;
  readonly header: ArrayHeader;
}

/**
 * One array, or several that follow each other, as one input. Only one file is open at a time.
 *
 * @throws StampedeError `data.not-readable`, `data.format`
 */
export async function arrayFromFiles(sources: readonly [ArrayFile, ...ArrayFile[]]): Promise<ArrayInput> {
  const [first, ...others] = sources;
  const header = await headerOf(first);
  const pieces: Piece[] = [{ source: first, header }];
  for (const source of others) {
    const piece = { source, header: await headerOf(source) };
    checkSame({ source: first, header }, piece);
    pieces.push(piece);
  }
  return {
    name: sources.map(({ file }) => file.name).join(", "),
    dtype: header.dtype,
    rowShape: header.rowShape,
    rows: pieces.reduce((sum, piece) => sum + piece.header.rows, 0),
    blocks: (blockRows) => blocksOf(pieces, rowBytesOf(header), blockRows),
    placeOf: (row) => placeIn(pieces, row),
  };
}

async function headerOf({ file, open, readHeader }: ArrayFile): Promise<ArrayHeader> {
  const reader = await open();
  try {
    return await readHeader(file, reader);
  } finally {
    await reader.close();
  }
}

function checkSame(first: Piece, piece: Piece): void {
  const describe = ({ header }: Piece): string => `${header.dtype} rows of shape [${header.rowShape.join(", ")}]`;
  if (describe(first) === describe(piece)) return;
  const { name, path } = piece.source.file;
  const text = `${name}: expected ${describe(first)} as in ${first.source.file.name}, found ${describe(piece)}.`;
  throw refusal("data.format", text, { details: { file: path } });
}

function placeIn(pieces: readonly Piece[], row: number): string {
  let rowInFile = row;
  for (const { source, header } of pieces) {
    if (rowInFile < header.rows) return `${source.file.name}, row ${rowInFile} (counted from 0)`;
    rowInFile -= header.rows;
  }
  return `row ${row} (counted from 0)`;
}

async function* blocksOf(
  pieces: readonly Piece[],
  rowBytes: number,
  blockRows: number,
): AsyncGenerator<SourceArray, undefined> {
  let rowsLeft = pieces.reduce((sum, { header }) => sum + header.rows, 0);
  const scratch = new Scratch();
  let block = scratch.take(Math.min(blockRows, rowsLeft) * rowBytes);
  let filled = 0;
  for (const { source, header } of pieces) {
    const reader = await source.open();
    try {
      await source.readHeader(source.file, reader);
      let bytesLeft = header.rows * rowBytes;
      while (bytesLeft > 0) {
        const part = block.subarray(filled, filled + bytesLeft);
        await fillPart(source.file, reader, part, header, bytesLeft);
        toMachineOrder(header, part);
        filled += part.length;
        bytesLeft -= part.length;
        if (filled < block.length) continue;
        yield viewValues(header.dtype, block);
        rowsLeft -= filled / rowBytes;
        block = scratch.take(Math.min(blockRows, rowsLeft) * rowBytes);
        filled = 0;
      }
      await expectEnd(source.file, reader);
    } finally {
      await reader.close();
    }
  }
}

async function fillPart(
  file: DataFile,
  reader: ByteReader,
  part: Uint8Array,
  header: ArrayHeader,
  bytesLeft: number,
): Promise<void> {
  const filled = await reader.read(part);
  if (filled === part.length) return;
  const expected = header.rows * rowBytesOf(header);
  const found = expected - bytesLeft + filled;
  const text = `${file.name}: expected ${expected} bytes of values for ${header.rows} rows, found ${found}; the file is truncated.`;
  throw refusal("data.format", text, { details: { file: file.path, expectedBytes: expected, foundBytes: found } });
}

async function expectEnd(file: DataFile, reader: ByteReader): Promise<void> {
  if ((await reader.read(new Uint8Array(1))) === 0) return;
  const text = `${file.name}: expected the end of the file after the rows that its header announces, found more bytes.`;
  throw refusal("data.format", text, { details: { file: file.path } });
}
