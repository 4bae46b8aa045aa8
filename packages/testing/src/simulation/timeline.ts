/** One line of what happened. */
export interface TraceEntry {
  /** Virtual ms since the beginning. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
  /** What went wrong with it. */
  readonly fault?: string;
}

/** A history as people read it: when, who, what, and what went wrong. */
export function timelineOf(entries: readonly TraceEntry[]): string {
  const width = Math.max(...entries.map(({ who }) => who.length), 0);
  return entries
    .map(({ at, who, what, fault }) => {
      const time = (at / 1000).toFixed(4).padStart(11);
      return `${time}  ${who.padEnd(width)}  ${what}${fault === undefined ? "" : `   <-- ${fault}`}`;
    })
    .join("\n");
}
