/**
 * A whole object. `etag` is opaque and changes with every write of another body. Of two equal bodies some stores cannot tell which is in
 * place (S3: it is a hash of the body): whoever replaces objects MUST write bodies that differ from all before, by a token in them.
 */
export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
}
export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, by the store's own clock; milliseconds since the epoch. */
  readonly modifiedAt: number;
}
/** Half open: bytes `start` ... `end - 1`, cut at the object's end. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
/** The etag of the object now in place, or `conflict`: somebody else's object is, and this call wrote nothing that lasts. */
export type WriteOutcome = { readonly etag: string } | "conflict";

/**
 * Where facts live. There is no unconditional write: an object appears once (`create`) or moves on from a known state
 * (`replace`). Adapters: a folder, memory, S3.
 *
 * Every method rejects with a StampedeError: `store.unavailable`, `store.full`, `store.not-writable`.
 */
export interface ObjectStore {
  /** MUST see every write that was acknowledged before the call, and MUST never return part of an object as the whole. */
  get(key: string, range?: ByteRange): Promise<StoredObject | undefined>;
  /** Size and etag without the body; `undefined` when there is no such object. */
  head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined>;
  /**
   * Writes an object that MUST NOT exist. Of any number of concurrent creators exactly one MUST win. Once acknowledged the
   * object MUST survive a crash. A stream that fails MUST leave nothing behind, and an adapter MUST be done with a chunk before
   * it asks for the next one, which may lie in the same memory. A caller that gets `conflict` after an
   * unclear earlier try reads the object back and compares its attempt id.
   */
  create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome>;
  /** Replaces the object that carries `etag`, and MUST answer `conflict` when another, or none, is in place. Exactly one of any concurrent writers wins. */
  replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome>;
  /** All objects whose key begins with `prefix`, in ascending order of key (by UTF-16 code unit); MUST include every one acknowledged before the call. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** MUST succeed when the object does not exist. */
  delete(key: string): Promise<void>;
}
