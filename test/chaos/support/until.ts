import { setTimeout as pause } from "node:timers/promises";

const everyMs = 5;

/**
 * Looks again and again until `look` finds something (neither undefined nor false), and answers with that.
 * @param what is waited for, for the error when it does not come within `seconds`
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  const limit = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > limit) throw new Error(`expected within ${seconds} s: ${what}`);
    await pause(everyMs);
  }
}

/** Lets a random span of time pass: not to wait for anything, but to be somewhere else when it is over. */
export async function letPass(ms: number): Promise<void> {
  await pause(ms);
}
