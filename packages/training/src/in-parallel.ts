/**
 * Does something with each of a list, in its order, `most` of them at a time. What goes wrong with one keeps no other from being done.
 *
 * @throws the first error, after all have come to an end
 */
export async function inParallel<T>(list: readonly T[], most: number, act: (each: T) => Promise<void>): Promise<void> {
  const failed: unknown[] = [];
  // All take from the same one.
  const rest = list.values();
  const takeTurns = async (): Promise<void> => {
    for (const each of rest) await act(each).catch((error: unknown) => failed.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(most, list.length) }, takeTurns));
  if (failed.length > 0) throw failed[0];
}
