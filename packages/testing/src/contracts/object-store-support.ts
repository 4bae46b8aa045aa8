import type { ObjectStore, WriteOutcome } from "@stampede/core";
import { expect } from "vitest";

/** An empty store of its own for each test. */
export interface ObjectStoreHarness {
  readonly store: ObjectStore;
  /** Another client of the same storage, as another process has it. */
  readonly another: () => Promise<ObjectStore>;
  readonly close: () => Promise<void>;
}

/** Who writes the same object at the same time, and how often they do: what a store does right by luck comes to light. */
export const racers = 16;
export const rounds = 5;

export const key = "jobs/a/head.json";

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function textAt(store: ObjectStore, at: string): Promise<string | undefined> {
  const found = await store.get(at);
  return found && new TextDecoder().decode(found.body);
}

/** The etag of a write that must have won. */
export function etagOf(outcome: WriteOutcome): string {
  if (outcome === "conflict") throw new Error("expected the write to win, found conflict");
  expect(outcome.etag).toBeTypeOf("string");
  return outcome.etag;
}

export async function put(store: ObjectStore, at: string, text: string): Promise<string> {
  return etagOf(await store.create(at, bytes(text)));
}

export async function keysOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const info of store.list(prefix)) found.push(info.key);
  return found;
}

/** Bytes that a mistake in offsets cannot leave unchanged. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) % 251);
}

export function winners(outcomes: readonly WriteOutcome[]): readonly number[] {
  return outcomes.flatMap((outcome, index) => (outcome === "conflict" ? [] : [index]));
}
