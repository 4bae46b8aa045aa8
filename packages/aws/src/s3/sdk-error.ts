import { factsOf } from "../error-facts.js";

/** What S3 refused, as far as the adapter acts on it. */
export type Refusal =
  /** There is no such object. */
  | "missing"
  /** The condition does not hold. */
  | "precondition"
  /** Another request was in flight: nothing was written. */
  | "conflicting"
  /** The upload in parts is not open: completed by an earlier try, or removed. */
  | "no-upload"
  /** The object has no such bytes. */
  | "range"
  | undefined;

const conflicts: ReadonlySet<string> = new Set(["ConditionalRequestConflict", "OperationAborted"]);

/** 412, 409 and their like are answers to a question that was asked, and no failures. */
export function refusalOf(error: unknown): Refusal {
  const { name, status } = factsOf(error);
  if (name === "NoSuchBucket") return undefined;
  if (name === "NoSuchUpload") return "no-upload";
  if (status === 404 || name === "NoSuchKey" || name === "NotFound") return "missing";
  if (status === 412) return "precondition";
  if (status === 409 && conflicts.has(name)) return "conflicting";
  if (status === 416) return "range";
  return undefined;
}

/**
 * Whether a write that failed so may have taken effect: it was sent more than once, no answer came, or one that tells
 * nothing of what was done.
 */
export function mayHaveWorked(error: unknown): boolean {
  const { status, attempts } = factsOf(error);
  return attempts > 1 || status === undefined || status >= 500;
}
