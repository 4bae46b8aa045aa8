import { decodeRecord, isDamage, readObject, StampedeError, type ObjectStore } from "@stampede/core";
import type * as z from "zod";

/** Reading records, whatever they are of. */

/** A stage may have a sign of life for each of 10,000 executors. */
const readsAtOnce = 32;

export async function readRecord<S extends z.ZodType>(
  store: ObjectStore,
  schema: S,
  key: string,
): Promise<z.output<S> | undefined> {
  return (await readObject(store, key, (body) => decodeRecord(schema, body, key)))?.value;
}

/** @param mend what takes the place of a record that is damaged; it is left out by default, for nothing depends on it */
export async function readAll<S extends z.ZodType>(
  store: ObjectStore,
  schema: S,
  prefix: string,
  mend: (key: string, error: Error) => z.output<S> | undefined = () => undefined,
): Promise<readonly z.output<S>[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  const records: (z.output<S> | undefined)[] = [];
  for (let from = 0; from < found.length; from += readsAtOnce) {
    const batch = found.slice(from, from + readsAtOnce);
    records.push(
      ...(await Promise.all(batch.map((key) => readOrMend(key, () => readRecord(store, schema, key), mend)))),
    );
  }
  return records.filter((record) => record !== undefined);
}

async function readOrMend<T>(
  key: string,
  read: () => Promise<T>,
  mend: (key: string, error: Error) => T | undefined,
): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error) || !(error instanceof Error)) throw error;
    return mend(key, error);
  }
}

export async function exists(store: ObjectStore, key: string): Promise<boolean> {
  return (await store.head(key)) !== undefined;
}

export function missing(key: string): StampedeError {
  return new StampedeError("store.missing", `Expected object ${key} in the store, found none. The job cannot go on.`, {
    details: { key },
  });
}
