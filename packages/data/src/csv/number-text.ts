/** The numbers a cell may hold: decimal, with an optional sign, fraction and exponent; blanks around it do not count. */
const decimal = /^[ \t]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t]*$/;

/** The number that a cell's text means, correctly rounded; NaN for text, an empty cell, hex, `NaN` or `Infinity`. */
export function numberOf(text: string): number {
  return decimal.test(text) ? Number(text) : Number.NaN;
}
