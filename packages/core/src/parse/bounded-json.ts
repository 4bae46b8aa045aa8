/** How much a value that somebody else wrote may hold, so that whoever reads it later may do so without care. */
export interface JsonBounds {
  /** Levels of lists and objects in each other. */
  readonly maxDepth: number;
  /** Objects, lists and what they hold. Shared parts of a program's value count each time. */
  readonly maxValues: number;
}

/** Names under which a careless program reaches what all objects share. */
const refusedNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Makes sure that a parsed JSON value is bounded, and names nothing that all objects share. Without recursion, which a deep value would
 * not survive.
 * @param refuse makes the error of what was expected and what was found
 */
export function refuseUnbounded(
  root: unknown,
  { maxDepth, maxValues }: JsonBounds,
  refuse: (expected: string, found: string) => Error,
): void {
  let level: readonly unknown[] = [root];
  let values = 1;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) throw refuse(`at most ${maxDepth} levels of lists and objects in each other`, "more");
    const next: unknown[] = [];
    for (const value of level) {
      const parts = partsOf(value, refuse);
      values += parts.length;
      if (values > maxValues) throw refuse(`at most ${maxValues} values`, "more");
      for (const part of parts) if (typeof part === "object") next.push(part);
    }
    level = next;
  }
}

function partsOf(value: unknown, refuse: (expected: string, found: string) => Error): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value;
  const name = Object.keys(value).find((each) => refusedNames.has(each));
  if (name !== undefined) throw refuse(`no entry named "${name}"`, "one");
  return Object.values(value);
}
