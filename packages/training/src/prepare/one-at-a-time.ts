let last: Promise<unknown> = Promise.resolve();

/**
 * Runs works of this thread one after the other: tfjs has one state for all of them, drawing and tracing included, and each may take
 * much memory.
 */
export function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const turn = last.then(work, work);
  last = turn.catch(() => undefined);
  return turn;
}
