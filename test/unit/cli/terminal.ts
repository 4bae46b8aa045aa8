/** As much of a terminal as the live view uses: text, line ends, cursor up, erase below, hide and show; lines wrap. */
export class Terminal {
  readonly columns: number;
  cursorHidden = false;
  #rows: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  /** What a person sees, without the empty rows below. */
  get lines(): string[] {
    return this.#rows.join("\n").replace(/\n+$/, "").split("\n");
  }

  feed(text: string): void {
    // oxlint-disable-next-line no-control-regex -- escape sequences, line ends and single characters
    for (const [piece, sequence] of text.matchAll(/\u001b\[(\??\d*[A-Za-z])|[^]/gu)) {
      if (sequence !== undefined) this.#control(sequence);
      else if (piece === "\n") this.#move(this.#row + 1, 0);
      else if (piece === "\r") this.#column = 0;
      else this.#put(piece);
    }
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#move(this.#row + 1, 0);
    const line = this.#rows[this.#row] ?? "";
    this.#rows[this.#row] = line.slice(0, this.#column).padEnd(this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
  }

  #control(sequence: string): void {
    if (sequence === "?25l" || sequence === "?25h") this.cursorHidden = sequence.endsWith("l");
    else if (sequence.endsWith("A")) this.#move(this.#row - Number(sequence.slice(0, -1)), this.#column);
    else if (sequence === "0J") this.#eraseBelow();
    else if (!sequence.endsWith("m")) throw new Error(`a terminal that does not know ${sequence}`);
  }

  #eraseBelow(): void {
    this.#rows = [...this.#rows.slice(0, this.#row), (this.#rows[this.#row] ?? "").slice(0, this.#column)];
  }

  #move(row: number, column: number): void {
    if (row < 0) throw new Error("the cursor left the top of the terminal");
    while (this.#rows.length <= row) this.#rows.push("");
    this.#row = row;
    this.#column = column;
  }
}
