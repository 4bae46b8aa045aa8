import { errorCatalogue, toErrorFacts, type ErrorCode } from "@stampede/core";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Problem } from "../contract/schemas.js";

/** What HTTP says of an error. Those that are not here: 422 for input, 503 for what may pass, else 500. */
const statuses: Partial<Record<ErrorCode, ContentfulStatusCode>> = {
  "api.unauthorized": 401,
  "api.forbidden": 403,
  "api.invalid-request": 400,
  "api.not-found": 404,
  "api.too-large": 413,
  "api.too-slow": 408,
  "api.rate-limited": 429,
  "api.key-reused": 422,
  "job.invalid-id": 400,
  "job.not-found": 404,
  "job.exists": 409,
  "job.not-resumable": 409,
  "job.not-finished": 409,
  "upload.not-found": 404,
  "upload.invalid": 422,
  "data.not-allowed": 403,
  // A garbage collection may have taken it.
  "store.missing": 410,
  "store.full": 507,
  "internal.unexpected": 500,
};

export interface ReportedProblem {
  readonly problem: Problem;
  readonly status: ContentfulStatusCode;
  /** For the log alone, where the problem does not tell it. */
  readonly hidden: string | undefined;
}

/**
 * The only place where an error becomes an answer. What nobody foresaw, and what is wrong with the store, is told to the log and to
 * nobody else.
 * @param request the id of the request
 */
export function problemOf(error: unknown, request: string): ReportedProblem {
  const { code, message } = toErrorFacts(error);
  const { cause: title, remedy, input, retryable } = errorCatalogue[code];
  const status = statuses[code] ?? (input ? 422 : retryable ? 503 : 500);
  const isOurs = status >= 500;
  const detail = isOurs
    ? `The endpoint could not do it. Its log has the reason, under ${request}.`
    : printable(message);
  const problem = { type: `urn:stampede:error:${code}`, title, status, detail, code, remedy, instance: request };
  return { problem, status, hidden: isOurs ? message : undefined };
}

const maxDetail = 10_000;

/** Messages quote what was sent. */
function printable(message: string): string {
  return message.replaceAll(/[^\P{Cc}\n]+/gu, " ").slice(0, maxDetail);
}
