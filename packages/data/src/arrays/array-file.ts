import type { ByteReader } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";
import { Scratch } from "../scratch.js";
import type { SourceArray } from "../sources/source.js";
import { rowBytesOf, toMachineOrder, viewValues, type ArrayHeader } from "./array-header.js";
import type { ArrayInput } from "./array-input.js";

/** A place that holds one array: how its bytes are opened and its header read. */
export interface ArrayFile {
  readonly file: DataFile;
  /** @param start the first byte that is wanted */
  readonly open: (start: number) => Promise<ByteReader>;
  readonly readHeader: (file: DataFile, reader: ByteReader) => Promise<ArrayHeader>;
}

interface Piece {
  readonly source: ArrayFile;
  readonly header: ArrayHeader;
  /** Where the first row begins. */
  readonly headerBytes: number;
}

/**
 * One array, or several that follow each other, as one input. Only one file is open at a time.
 *
 * @throws StampedeError `data.not-readable`, `data.format`
 */
export async function arrayFromFiles(sources: readonly [ArrayFile, ...ArrayFile[]]): Promise<ArrayInput> {
  const [first, ...others] = sources;
  const firstPiece = await pieceOf(first);
  const { header } = firstPiece;
  const pieces: Piece[] = [firstPiece];
  for (const source of others) {
    const next = await pieceOf(source);
    checkSame(firstPiece, next);
    pieces.push(next);
  }
  return {
    name: sources.map(({ file }) => file.name).join(", "),
    dtype: header.dtype,
    rowShape: header.rowShape,
    rows: pieces.reduce((sum, piece) => sum + piece.header.rows, 0),
    blocks: (blockRows, start, end) => blocksOf(pieces, header, { start, end }, blockRows),
    placeOf: (row) => placeIn(pieces, row),
  };
}

async function pieceOf(source: ArrayFile): Promise<Piece> {
  const reader = await source.open(0);
  let headerBytes = 0;
  const counting: ByteReader = {
    async read(into) {
      const filled = await reader.read(into);
      headerBytes += filled;
      return filled;
    },
    close: () => reader.close(),
  };
  try {
    const header = await source.readHeader(source.file, counting);
    return { source, header, headerBytes };
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

interface Rows {
  readonly start: number;
  readonly end: number;
}

async function* blocksOf(
  pieces: readonly Piece[],
  header: ArrayHeader,
  wanted: Rows,
  blockRows: number,
): AsyncGenerator<SourceArray, undefined> {
  const rowBytes = rowBytesOf(header);
  let rowsLeft = wanted.end - wanted.start;
  const scratch = new Scratch();
  let block = scratch.take(Math.min(blockRows, rowsLeft) * rowBytes);
  let filled = 0;
  for (const { piece, start, end } of overlaps(pieces, wanted)) {
    const { source } = piece;
    const reader = await source.open(piece.headerBytes + start * rowBytes);
    try {
      let at = start * rowBytes;
      while (at < end * rowBytes) {
        const part = block.subarray(filled, filled + end * rowBytes - at);
        await fillPart(piece, reader, part, at);
        toMachineOrder(header, part);
        filled += part.length;
        at += part.length;
        if (filled < block.length) continue;
        yield viewValues(header.dtype, block);
        rowsLeft -= filled / rowBytes;
        block = scratch.take(Math.min(blockRows, rowsLeft) * rowBytes);
        filled = 0;
      }
      if (end === piece.header.rows) await expectEnd(source.file, reader);
    } finally {
      await reader.close();
    }
  }
}

/** The rows wanted, file by file; a file without rows counts where it lies between or at the end. */
function overlaps(pieces: readonly Piece[], { start, end }: Rows): readonly (Rows & { readonly piece: Piece })[] {
  let before = 0;
  return pieces.flatMap((piece) => {
    const { rows } = piece.header;
    const own = { piece, start: Math.max(0, start - before), end: Math.min(rows, end - before) };
    before += rows;
    return own.start < own.end || (rows === 0 && own.start === 0 && own.end === 0) ? [own] : [];
  });
}

/** @param at where the part begins, counted from the first row of the file */
async function fillPart({ source, header }: Piece, reader: ByteReader, part: Uint8Array, at: number): Promise<void> {
  const filled = await reader.read(part);
  if (filled === part.length) return;
  const { name, path } = source.file;
  const expected = header.rows * rowBytesOf(header);
  const found = at + filled;
  const text = `${name}: expected ${expected} bytes of values for ${header.rows} rows, found ${found}; the file is truncated.`;
  throw refusal("data.format", text, { details: { file: path, expectedBytes: expected, foundBytes: found } });
}

async function expectEnd(file: DataFile, reader: ByteReader): Promise<void> {
  if ((await reader.read(new Uint8Array(1))) === 0) return;
  const text = `${file.name}: expected the end of the file after the rows that its header announces, found more bytes.`;
  throw refusal("data.format", text, { details: { file: file.path } });
}
