import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import {
  decodeRecord,
  encodeRecord,
  keys,
  parseInput,
  readObject,
  StampedeError,
  TokenId,
  type Clock,
  type ObjectStore,
} from "@stampede/core";
import type { Scope } from "../contract/operation.js";
import { TokenRecord } from "./record.js";

/** A prefix that scanners for leaked secrets can know, the id, and 256 random bits. */
const form = /^stampede_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;

export interface NewToken {
  /** To be shown once, and kept nowhere. */
  readonly token: string;
  readonly record: TokenRecord;
}

export interface TokenWish {
  /** For people: who or what uses it. */
  readonly name: string;
  readonly scope: Scope;
  /** Milliseconds since the epoch; never by default. */
  readonly expiresAt?: number;
}

/**
 * Makes a bearer token. The store gets its hash.
 * @throws StampedeError `option.invalid` for a name that is none; `store.*`
 */
export async function createToken(wish: TokenWish, store: ObjectStore, clock: Clock): Promise<NewToken> {
  const id = randomBytes(8).toString("hex");
  const token = `stampede_${id}_${randomBytes(32).toString("base64url")}`;
  const record = parseInput(
    TokenRecord,
    { version: 1, id, sha256: hashOf(token).toString("hex"), ...wish, createdAt: clock.now() },
    { code: "option.invalid", what: "The token" },
  );
  if ((await store.create(keys.token(record.id), encodeRecord(TokenRecord, record))) !== "conflict") {
    return { token, record };
  }
  throw new StampedeError("store.conflict", `Expected a new token id, found ${id} in the store. Try again.`);
}

/**
 * The record of a token that is good now; undefined for any other. Takes as long for a wrong secret as for a right one.
 * @throws StampedeError `store.*`
 */
export async function findToken(text: string, store: ObjectStore, now: number): Promise<TokenRecord | undefined> {
  const id = TokenId.safeParse(form.exec(text)?.[1]);
  if (!id.success) return undefined;
  const record = await readToken(store, id.data);
  if (record === undefined) return undefined;
  const isRight = timingSafeEqual(hashOf(text), Buffer.from(record.sha256, "hex"));
  return isRight && (record.expiresAt === undefined || now < record.expiresAt) ? record : undefined;
}

/** Every token, also those that have expired; the oldest first. */
export async function listTokens(store: ObjectStore): Promise<readonly TokenRecord[]> {
  const found: TokenRecord[] = [];
  for await (const { key } of store.list(keys.tokens)) {
    const id = TokenId.safeParse(key.slice(keys.tokens.length).replace(/\.json$/, ""));
    const record = id.success ? await readToken(store, id.data) : undefined;
    if (record !== undefined) found.push(record);
  }
  return found.toSorted((a, b) => a.createdAt - b.createdAt);
}

/**
 * A token that is good no longer, from the next request on.
 * @throws StampedeError `option.invalid` when there is none with this id
 */
export async function revokeToken(id: string, store: ObjectStore): Promise<void> {
  const parsed = TokenId.safeParse(id);
  const key = parsed.success ? keys.token(parsed.data) : undefined;
  if (key !== undefined && (await store.head(key)) !== undefined) return store.delete(key);
  const found = JSON.stringify(id.slice(0, 80));
  throw new StampedeError(
    "option.invalid",
    `Expected the id of a token, as it is listed, found ${found}. Nothing changed.`,
  );
}

async function readToken(store: ObjectStore, id: TokenId): Promise<TokenRecord | undefined> {
  const key = keys.token(id);
  const read = await readObject(store, key, (body) => decodeRecord(TokenRecord, body, key));
  return read?.value;
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
