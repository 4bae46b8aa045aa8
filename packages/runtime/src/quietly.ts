/**
 * Runs `fn` without the warnings that tfjs prints while it builds a model (a large orthogonal initializer, an ignored option):
 * they are of no use to the reader of Stampede's output, where every line has a meaning.
 */
export function quietly<T>(fn: () => T): T {
  const said: unknown = Reflect.get(console, "warn");
  Reflect.set(console, "warn", () => undefined);
  try {
    return fn();
  } finally {
    Reflect.set(console, "warn", said);
  }
}
