import type { WriteOutcome } from "@stampede/core";
import { mayHaveWorked, refusalOf } from "./sdk-error.js";

/** What a write says of itself in the object's metadata, so that it knows its own object again. */
export const tokenName = "stampede-write";

/** Conflicting requests in flight end within a moment: together the pauses are some five seconds. */
const maxConflicts = 10;
const firstPauseMs = 20;
const longestPauseMs = 1_000;

export interface ConditionalWrite {
  /** Sends it, under its condition. */
  readonly send: () => Promise<{ readonly etag: string }>;
  /** Etag and token of the object that is in place now. */
  readonly inPlace: () => Promise<{ readonly etag: string; readonly token: string | undefined } | undefined>;
  /** Of this write alone. */
  readonly token: string;
  /** How often it is sent again after a 409. @default 10 */
  readonly conflicts?: number;
}

/**
 * Carries a conditional write to a clear end. S3 answers 412 when the condition does not hold, also to the repetition of a request whose
 * first try took effect and whose answer was lost: then the object in place carries this write's token. It answers 409 when another
 * request was in flight: nothing was written, and nothing is known. An end without an answer is looked into as well.
 *
 * @throws whatever `send` throws that is no answer to the condition, unless the write has taken effect
 */
export async function carryOut(write: ConditionalWrite): Promise<WriteOutcome> {
  const { send, conflicts = maxConflicts } = write;
  let mayBeThere = false;
  for (let tries = 0; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      mayBeThere ||= mayHaveWorked(error);
      if (refusalOf(error) !== "conflicting" || tries >= conflicts) return settle(write, error, mayBeThere);
    }
    await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** tries) * (0.5 + Math.random()));
  }
}

/** What it means that the last try ended with an error. */
async function settle(
  { inPlace, token }: ConditionalWrite,
  error: unknown,
  mayBeThere: boolean,
): Promise<WriteOutcome> {
  const refusal = refusalOf(error);
  const isLost = refusal === "precondition" || refusal === "missing";
  if (!mayBeThere) {
    if (isLost) return "conflict";
    throw error;
  }
  if (isLost) {
    const found = await inPlace();
    return found?.token === token ? { etag: found.etag } : "conflict";
  }
  // If this look fails too, the first failure tells more.
  const found = await inPlace().catch(() => undefined);
  if (found?.token === token) return { etag: found.etag };
  throw error;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
