import type { DataFile } from "../files/data-file.js";
import type { SourceBlock } from "../sources/source.js";
import { placeOfCell, type RecordSink } from "./table.js";

/** A field's values as slots of the record, with the names of their columns. */
export interface FieldSlots {
  readonly slots: Int32Array;
  readonly names: readonly string[];
}

/** The memory of a block, used again when the block was consumed. */
interface Room {
  readonly values: readonly Float64Array[];
  readonly lines: Float64Array;
}

interface FileStart {
  readonly row: number;
  readonly file: DataFile;
}

/** Gathers records into blocks of exactly `blockRows` rows. */
export class BlockBuilder implements RecordSink {
  readonly record: Float64Array;
  readonly #fields: readonly FieldSlots[];
  readonly #blockRows: number;
  readonly #ready: { readonly block: SourceBlock; readonly room: Room }[] = [];
  readonly #spare: Room[] = [];
  #room: Room;
  #starts: FileStart[] = [];
  #rows = 0;

  constructor(slots: number, fields: readonly FieldSlots[], blockRows: number) {
    this.record = new Float64Array(slots);
    this.#fields = fields;
    this.#blockRows = blockRows;
    this.#room = this.#newRoom();
  }

  startFile(file: DataFile): void {
    this.#starts.push({ row: this.#rows, file });
  }

  endRecord(line: number): void {
    const row = this.#rows;
    for (let field = 0; field < this.#fields.length; field++) this.#copy(field, row);
    this.#room.lines[row] = line;
    this.#rows = row + 1;
    if (this.#rows === this.#blockRows) this.#close();
  }

  #copy(field: number, row: number): void {
    const values = this.#room.values[field];
    const slots = this.#fields[field]?.slots;
    if (values === undefined || slots === undefined) return;
    const base = row * slots.length;
    for (let element = 0; element < slots.length; element++) {
      values[base + element] = this.record[slots[element] ?? 0] ?? 0;
    }
  }

  /** The blocks that became full since the last call; each is valid until the next is asked for. */
  *take(): Generator<SourceBlock> {
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
      yield next.block;
      this.#spare.push(next.room);
    }
  }

  /** What is left after the last record. */
  *finish(): Generator<SourceBlock> {
    if (this.#rows > 0) this.#close();
    yield* this.take();
  }

  #close(): void {
    const rows = this.#rows;
    const room = this.#room;
    const starts = this.#starts;
    const values = this.#fields.map(
      ({ slots }, index) => room.values[index]?.subarray(0, rows * slots.length) ?? new Float64Array(0),
    );
    const places = this.#fields.map(({ names }) => (row: number, element: number) => {
      const file = starts.findLast((start) => start.row <= row)?.file;
      const column = names[element] ?? "";
      return file === undefined ? column : placeOfCell({ file, line: room.lines[row] ?? 0 }, column);
    });
    this.#ready.push({ block: { rows, values, places }, room });
    this.#room = this.#spare.pop() ?? this.#newRoom();
    this.#starts = starts.slice(-1).map(({ file }) => ({ row: 0, file }));
    this.#rows = 0;
  }

  #newRoom(): Room {
    return {
      values: this.#fields.map(({ slots }) => new Float64Array(this.#blockRows * slots.length)),
      lines: new Float64Array(this.#blockRows),
    };
  }
}
