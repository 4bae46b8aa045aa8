import { errorCatalogue, type ErrorCode } from "./error-catalogue.js";

export interface ErrorOptions {
  /** The facts behind the message: file, line, job, round, partition... Never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly cause?: unknown;
}

/**
 * The base of every error Stampede raises on purpose. `code` is stable and is looked up in the error catalogue;
 * `message` says what was expected, what was found and what happens now; `details` holds the evidence.
 */
export class StampedeError extends Error {
  override readonly name: string = "StampedeError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = definedOnly(options.details ?? {});
  }

  /** Whether another attempt of the same task can end differently. */
  get retryable(): boolean {
    return errorCatalogue[this.code].retryable;
  }

  /** Whether the user's input is at fault, so that nothing was started (exit code 2). */
  get isInputError(): boolean {
    return errorCatalogue[this.code].input;
  }
}

function definedOnly(
  details: Readonly<Record<string, string | number | boolean | undefined>>,
): Record<string, string | number | boolean> {
  const kept: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(details)) {
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** True for Stampede's own errors, also for one that came from another copy of this package. */
export function isStampedeError(error: unknown): error is StampedeError {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "string" &&
    error.code in errorCatalogue &&
    "details" in error
  );
}

/** The form in which an error crosses a process, a message or a stored record. */
export interface ErrorFacts {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** Reduces anything thrown to the facts that may be stored; a foreign error becomes `internal.unexpected`. */
export function toErrorFacts(error: unknown): ErrorFacts {
  if (isStampedeError(error)) {
    return { code: error.code, message: error.message, retryable: errorCatalogue[error.code].retryable };
  }
  if (isAllocationFailure(error)) {
    const message = `Expected memory for what a task needs, found: ${error.message}. The task is tried again in smaller pieces.`;
    return { code: "task.out-of-memory", message, retryable: true };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "internal.unexpected", message, retryable: true };
}

/** How V8 says that it got no memory for a buffer. */
function isAllocationFailure(error: unknown): error is RangeError {
  return error instanceof RangeError && /allocation failed/i.test(error.message);
}

/** Errors of the place where a job runs, not of the job: it stops there without a result and can be resumed once they are mended. */
const suspending: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["store.full", "store.not-writable", "store.forbidden"]);

/** Whether an error must not become the job's result, although trying again at once would not help. */
export function suspendsJob(code: ErrorCode): boolean {
  return suspending.has(code);
}
