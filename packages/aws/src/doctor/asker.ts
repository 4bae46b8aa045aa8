import { Refused } from "./check.js";

/** How the AWS SDK reports what a service answered. */
interface ServiceError extends Error {
  readonly $metadata: { readonly httpStatusCode?: number; readonly attempts?: number };
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "$metadata" in error && typeof error.$metadata === "object";
}

export function statusOf(error: unknown): number | undefined {
  return isServiceError(error) ? error.$metadata.httpStatusCode : undefined;
}

/** Also 403, but for reasons that no policy changes. */
const ofCredentials: ReadonlySet<string> = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidToken",
  "RequestExpired",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
]);

/** Whether an answer says that these credentials may not do this. */
export function isRefusal(error: unknown): boolean {
  if (!isServiceError(error) || ofCredentials.has(error.name)) return false;
  // SQS says it with the status 400 in some of its protocols.
  return error.$metadata.httpStatusCode === 403 || /AccessDenied/i.test(error.name);
}

/** Keeps account of the actions that were asked for and of those that were refused. */
export class Asker {
  readonly #granted = new Set<string>();
  readonly #refused = new Set<string>();

  get granted(): readonly string[] {
    return [...this.#granted].filter((action) => !this.#refused.has(action)).toSorted();
  }

  get refused(): readonly string[] {
    return [...this.#refused].toSorted();
  }

  /**
   * @param action as policies name it: `s3:PutObject`
   * @throws Refused where it is not permitted; any other error as it is
   */
  async ask<T>(action: string, send: () => Promise<T>): Promise<T> {
    try {
      const answer = await send();
      this.#granted.add(action);
      return answer;
    } catch (error) {
      if (error instanceof Error && isRefusal(error)) {
        this.#refused.add(action);
        throw new Refused(action, error);
      }
      // An answer of another kind shows that it was permitted.
      if (statusOf(error) !== undefined) this.#granted.add(action);
      throw error;
    }
  }
}
