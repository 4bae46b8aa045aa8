/** Does the work for each of the list, two at the same time: a command's start keeps one core busy. */
export async function inPairs<T>(list: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...list];
  const worker = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await work(next);
  };
  // Waits for both, so that nothing goes on behind a test that has failed.
  for (const outcome of await Promise.allSettled([worker(), worker()])) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
