/** Text for people: numbers, durations and cells of a terminal. Pure. */

/** Control characters of foreign text (names, messages) would otherwise reach the terminal as commands. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
}

/** The rest of a message may be a stack; `stampede jobs show` has it whole. */
export function firstLine(message: string): string {
  return printable(message.split("\n", 1)[0] ?? "");
}

// eslint-disable-next-line no-control-regex -- the escape sequences that colours are made of
const colourSequence = /\u001b\[[\d;]*m/g;

/** Columns that a text takes. Everything beyond Latin, block elements and box drawing counts as 2: too much rather than too little. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text.replaceAll(colourSequence, "")) columns += isNarrow(character) ? 1 : 2;
  return columns;
}

function isNarrow(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x3_00 || (code >= 0x20_00 && code <= 0x25_ff);
}

/** Cuts a text to at most `columns` columns and keeps its colour sequences whole. */
export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = "";
  let used = 0;
  let coloured = false;
  // eslint-disable-next-line no-control-regex -- splits into colour sequences and single characters
  for (const [piece] of text.matchAll(/\u001b\[[\d;]*m|./gsu)) {
    if (piece.startsWith("\u001b")) {
      coloured = true;
      kept += piece;
      continue;
    }
    const next = used + columnsOf(piece);
    if (next > columns) break;
    used = next;
    kept += piece;
  }
  return coloured ? `${kept}\u001b[0m` : kept;
}

/** `60000` -> `60,000` */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 row`, `2 rows` */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** Four decimals; very small and very large values in scientific notation. */
export function metric(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e6) ? value.toExponential(3) : value.toFixed(4);
}

/** `0.4 s`, `42 s`, `3 min 05 s`, `2 h 07 min` */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (whole < 3600) return `${minutes} min ${pad(whole % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** A limit as somebody wrote it, without rounding: `15 min`, `1 min 30 s`, `2 h`, `0.5 s`. */
export function limit(seconds: number): string {
  const units = [
    ["h", Math.floor(seconds / 3600)],
    ["min", Math.floor(seconds / 60) % 60],
    ["s", Number((seconds % 60).toFixed(3))],
  ] as const;
  const parts = units.filter(([, value]) => value > 0).map(([unit, value]) => `${value} ${unit}`);
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Decimal units, as disks are sold: `47.0 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`;
}

/** `loss 0.2311, accuracy 0.9312`: the loss first, then as they come. */
export function metrics(values: Readonly<Record<string, number>>, separator = ", "): string {
  return lossFirst(values)
    .map(([name, value]) => `${printable(name)} ${metric(value)}`)
    .join(separator);
}

export function lossFirst(values: Readonly<Record<string, number>>): [string, number][] {
  const entries = Object.entries(values);
  return [...entries.filter(([name]) => name === "loss"), ...entries.filter(([name]) => name !== "loss")];
}

/** What a person looks at first: accuracy where there is one, else the first metric, else the loss. */
export function headline(values: Readonly<Record<string, number>>): [string, number] | undefined {
  const entries = lossFirst(values);
  return (
    entries.find(([name]) => name === "accuracy") ??
    entries.find(([name]) => /accuracy/i.test(name)) ??
    entries.find(([name]) => name !== "loss") ??
    entries[0]
  );
}

/** A word of a shell command line, quoted where it must be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Left-aligned columns, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, columnsOf(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell + " ".repeat((widths[index] ?? 0) - columnsOf(cell)))
      .join("  ")
      .trimEnd(),
  );
}
