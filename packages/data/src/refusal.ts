import { StampedeError, type ErrorCode, type ErrorOptions } from "@stampede/core";

/** An error that ends a sharding pass before anything was stored. */
export function refusal(code: ErrorCode, text: string, options: ErrorOptions = {}): StampedeError {
  return new StampedeError(code, `${text} Nothing was written.`, options);
}

/** Node's code of a failed system call (`ENOENT`, `ENOSPC`, ...) or zlib call (`Z_DATA_ERROR`, ...). */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Text of the user's data for a message: quoted, and cut where it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** @throws StampedeError `job.interrupted` */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const cause: unknown = signal.reason;
  throw refusal("job.interrupted", "The data was being read when the run was interrupted.", { cause });
}
