import { StampedeError, type ObjectStore } from "@stampede/core";

/**
 * Creates an object whose body no other writer can have made (it carries an attempt id or a token). When the name is taken, the object
 * is read back: an earlier try may have taken effect although its answer was lost, and is then this call's own success.
 *
 * @throws StampedeError `store.*`
 */
export async function createOnce(store: ObjectStore, key: string, body: Uint8Array): Promise<"created" | "conflict"> {
  if ((await store.create(key, body)) !== "conflict") return "created";
  // Twice where they differ: a read may come damaged.
  return (await holds(store, key, body)) || (await holds(store, key, body)) ? "created" : "conflict";
}

async function holds(store: ObjectStore, key: string, body: Uint8Array): Promise<boolean> {
  const there = await store.get(key);
  if (there === undefined) throw vanished(key);
  return Buffer.from(there.body).equals(body);
}

/** Creates an object that may as well have been made by another, to the same effect. */
export async function createAny(store: ObjectStore, key: string, body: Uint8Array): Promise<void> {
  if ((await store.create(key, body)) !== "conflict") return;
  // "Taken" must be true: whoever hears that this fact is committed stops caring for it.
  if ((await store.head(key)) === undefined) throw vanished(key);
}

function vanished(key: string): StampedeError {
  return new StampedeError(
    "store.unavailable",
    `Expected object ${key} in the store, which refused to create it because it is there; found none. It is tried again.`,
    { details: { key } },
  );
}
