import {
  decodeRecord,
  encodeRecord,
  isStampedeError,
  JobId,
  keys,
  readObject,
  sha256Hex,
  StampedeError,
  type Clock,
  type ObjectStore,
} from "@stampede/core";
import * as z from "zod";
import type { TokenRecord } from "../tokens/record.js";

/** That somebody has asked for a job under a key of theirs, and which job it became. `requests/<hash>.json` */
const RequestRecord = z.strictObject({
  version: z.literal(1),
  job: JobId,
  /** Of what was asked for. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.number().min(0),
});

interface Repeatable {
  readonly key: string | undefined;
  readonly token: TokenRecord | undefined;
  /** The operation and the checked body: what must be the same where the key is. */
  readonly asked: unknown;
  /** The id that the job gets where it is a new one. */
  readonly job: JobId;
}

export interface Submission {
  readonly job: JobId;
  readonly replayed: boolean;
}

/**
 * Submits a job once for each key that a token gives, however often and from however many connections. The record comes first: a request
 * that died behind it is done by the next one with the same key, under the same id.
 *
 * @param submit stores the job; `job.exists` means that another request was faster
 * @throws StampedeError `api.key-reused`; `store.*`, and what `submit` throws
 */
export async function submitOnce(
  { key, token, asked, job }: Repeatable,
  submit: (job: JobId) => Promise<unknown>,
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
): Promise<Submission> {
  if (key === undefined) {
    await submit(job);
    return { job, replayed: false };
  }
  const place = keys.requested(sha256Hex(JSON.stringify([token?.id, key])));
  const sha256 = sha256Hex(JSON.stringify(asked));
  const mine = { version: 1, job, sha256, at: clock.now() } as const;
  const outcome = await store.create(place, encodeRecord(RequestRecord, mine));
  const first = outcome === "conflict" ? await readFirst(store, place) : mine;
  if (first.sha256 !== sha256) throw reused();
  try {
    await submit(first.job);
    return { job: first.job, replayed: first.job !== job };
  } catch (error) {
    if (outcome !== "conflict" || !isStampedeError(error) || error.code !== "job.exists") throw error;
    return { job: first.job, replayed: true };
  }
}

async function readFirst(store: ObjectStore, key: string): Promise<z.infer<typeof RequestRecord>> {
  const read = await readObject(store, key, (body) => decodeRecord(RequestRecord, body, key));
  if (read !== undefined) return read.value;
  throw new StampedeError("store.unavailable", `Expected the record ${key}, which is there; found none. Try again.`);
}

function reused(): StampedeError {
  const message =
    "Expected a new Idempotency-Key, or the request that it was used for; found another one. Nothing was started.";
  return new StampedeError("api.key-reused", message);
}
