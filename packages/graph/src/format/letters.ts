const letters = "abcdefghijklmnopqrstuvwxyz";

/** The shortest texts there are: a, b, ..., z, aa, ab, ... */
export function lettersOf(index: number): string {
  const before = Math.floor(index / letters.length);
  return `${before === 0 ? "" : lettersOf(before - 1)}${letters.charAt(index % letters.length)}`;
}
