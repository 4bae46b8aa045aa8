/** Whether UTF-8 and UTF-16 order the key alike: it has no surrogates, and nothing beyond them. */
export function isPlain(key: string): boolean {
  return !/[\ud800-\uffff]/.test(key);
}

export function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
