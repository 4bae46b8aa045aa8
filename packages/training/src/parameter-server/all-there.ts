import { deriveKey, permutation, type ObjectStore } from "@stampede/core";
import { exists } from "../store/records.js";

/** So many are asked for at first, and then more. */
const firstQuestions = 4;
const growth = 16;

/**
 * Whether all of these objects are there. It asks for a few of them, then for more and more at a time, and is done with the first that is
 * missing: cheap where many are, and quick where none is. Whoever makes one of n asks about ln n times on average, in whatever order they are
 * made, because it asks in an order that has nothing to do with theirs. A list would cost as much as twelve questions.
 * @param found is told of those that are there
 */
export async function allThere(
  store: ObjectStore,
  keys: readonly string[],
  found: (key: string) => void = () => undefined,
): Promise<boolean> {
  const shuffled = [...permutation(keys.length, deriveKey(keys[0] ?? ""))].map((index) => keys[index] ?? "");
  let atOnce = firstQuestions;
  for (let from = 0; from < shuffled.length;) {
    const some = shuffled.slice(from, from + atOnce);
    const present = await Promise.all(some.map((key) => exists(store, key)));
    for (const [index, isThere] of present.entries()) if (isThere) found(some[index] ?? "");
    if (present.includes(false)) return false;
    from += atOnce;
    atOnce *= growth;
  }
  return true;
}
