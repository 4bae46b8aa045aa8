import {
  decodeRecord,
  decodeTensorRecord,
  DeltaRecord,
  EvaluationRecord,
  isDamage,
  keys,
  readObject,
  StampedeError,
  type ObjectStore,
  type TaskMessage,
} from "@stampede/core";
import { createAny } from "../store/commit.js";

/** What an attempt finds where it is to commit its output. */
export type ExistingOutput =
  | { readonly state: "none" }
  /** Another attempt was first. */
  | { readonly state: "whole" }
  /** Another attempt was first, and what it committed is of no use. */
  | { readonly state: "damaged"; readonly etag: string };

/**
 * A first attempt looks whether there is an output; a later one also whether it is whole, because a damaged one may be the reason
 * that it was started.
 *
 * @throws StampedeError `store.*`
 */
export async function existingOutput(task: TaskMessage, store: ObjectStore): Promise<ExistingOutput> {
  const key = outputKey(task);
  const found = await store.head(key);
  if (found === undefined) return { state: "none" };
  if (task.attempt === 1) return { state: "whole" };
  const check = await checkerOf(task);
  try {
    await readObject(store, key, (body) => check(body, key));
    return { state: "whole" };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { state: "damaged", etag: found.etag };
  }
}

/**
 * Commits an attempt's output, or finds that another attempt's is there: that one counts, and has the same bits.
 *
 * @throws StampedeError `store.*`
 */
export async function commitOutput(
  task: TaskMessage,
  existing: ExistingOutput,
  body: Uint8Array,
  store: ObjectStore,
): Promise<void> {
  const key = outputKey(task);
  if (existing.state !== "damaged") return createAny(store, key, body);
  // A conflict: another attempt has mended it meanwhile.
  await store.replace(key, body, existing.etag);
  if ((await store.head(key)) !== undefined) return;
  throw new StampedeError("store.missing", `Expected ${key} in the store after it was replaced, found none.`, {
    details: { key },
  });
}

function outputKey({ job, stage, partition }: TaskMessage): string {
  return keys.output(job, stage, partition);
}

async function checkerOf({ stage }: TaskMessage): Promise<(body: Uint8Array, key: string) => unknown> {
  switch (stage.kind) {
    case "train":
      return (body, key) => decodeTensorRecord(DeltaRecord, body, key);
    case "evaluate":
      return (body, key) => decodeRecord(EvaluationRecord, body, key);
    case "predict":
      return (await import("@stampede/data")).decodePredictions;
    default:
      return stage.kind satisfies never;
  }
}
