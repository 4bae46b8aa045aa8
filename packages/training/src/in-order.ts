/** Does work on a few items at a time, and hands out what comes of it in the order of the items. */
export async function* inOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  let next = 0;
  while (next < items.length || pending.length > 0) {
    for (const item of items.slice(next, next + atOnce - pending.length)) {
      const working = work(item);
      // Rejections of what was done ahead are seen when its turn comes, or not at all after an earlier one.
      working.catch(() => undefined);
      pending.push(working);
      next += 1;
    }
    const first = pending.shift();
    if (first !== undefined) yield await first;
  }
}
