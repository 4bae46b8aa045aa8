import type { Output } from "../host.js";
import { columnsOf } from "./text.js";

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const clearBelow = "\u001b[0J";

/**
 * A few lines at the bottom of a terminal that are drawn over and over. Lines must be narrower than the terminal is when
 * they are drawn; when it has become narrower since, the terminal has wrapped them, which is reckoned with.
 */
export class Screen {
  readonly #output: Output;
  #drawn: readonly string[] = [];
  #cursorHidden = false;

  constructor(output: Output) {
    this.#output = output;
  }

  draw(lines: readonly string[]): void {
    const hide = this.#cursorHidden ? "" : hideCursor;
    this.#cursorHidden = true;
    this.#output.write(`${hide}${this.#erase()}${lines.map((line) => `${line}\n`).join("")}`);
    this.#drawn = lines;
  }

  /** Writes lines that stay, above the next drawing. */
  print(lines: readonly string[]): void {
    this.#output.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join("")}`);
    this.#drawn = [];
  }

  /** Removes the drawing and gives the cursor back. May be called again. */
  close(): void {
    const show = this.#cursorHidden ? showCursor : "";
    this.#cursorHidden = false;
    const text = this.#erase() + show;
    this.#drawn = [];
    if (text !== "") this.#output.write(text);
  }

  #erase(): string {
    const columns = Math.max(1, this.#output.columns ?? 80);
    let rows = 0;
    for (const line of this.#drawn) rows += Math.max(1, Math.ceil(columnsOf(line) / columns));
    return rows === 0 ? "" : `\u001b[${rows}A\r${clearBelow}`;
  }
}
