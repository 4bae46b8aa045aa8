/** How patient a client is with a service that fails or is busy. */
export interface RetryLimits {
  /** Tries of one request, the first included. */
  readonly attempts: number;
  /** No try begins later than so many ms after the first. A try itself may last longer. */
  readonly patienceMs: number;
  /** Before the second try; twice as much before the next. What is waited is a random part of it, so that clients do not come back together. */
  readonly firstDelayMs: number;
  /** The same where the service asked for fewer requests. */
  readonly throttledDelayMs: number;
  /** The most that is ever waited between two tries. */
  readonly longestDelayMs: number;
}

/** As the SDK sorts what went wrong; the first two are worth another try. */
type ErrorType = "TRANSIENT" | "THROTTLING" | "SERVER_ERROR" | "CLIENT_ERROR";

interface ErrorInfo {
  readonly errorType: ErrorType;
  /** When the service wants to be asked again. */
  readonly retryAfterHint?: Date;
}

interface Token {
  getRetryCount(): number;
  getRetryDelay(): number;
}

/** One request under way. */
class RequestToken implements Token {
  readonly beganAt: number;
  readonly #retries: number;
  readonly #delayMs: number;

  constructor(beganAt: number, retries: number, delayMs: number) {
    this.beganAt = beganAt;
    this.#retries = retries;
    this.#delayMs = delayMs;
  }

  getRetryCount(): number {
    return this.#retries;
  }

  getRetryDelay(): number {
    return this.#delayMs;
  }
}

/**
 * The SDK's port for retries, with limits for each request and none for all of a client. The SDK's own strategy has a bucket of 500 tokens
 * for each client, of which a retry takes 5 to 14: some 35 requests that fail at the same time empty it, and all others then fail at their
 * first try, although the function has minutes left. A task that fails so is done anew, which asks for far more than the retry would have.
 * What protects the service instead is that delays grow, and end.
 */
export class PatientRetries {
  readonly #limits: RetryLimits;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
  }

  async acquireInitialRetryToken(): Promise<Token> {
    return new RequestToken(performance.now(), 0, 0);
  }

  /** @throws Error when the request is not to be tried again: the SDK then throws what the last try ended with */
  async refreshRetryTokenForRetry(token: Token, { errorType, retryAfterHint }: ErrorInfo): Promise<Token> {
    const { attempts, patienceMs, firstDelayMs, throttledDelayMs, longestDelayMs } = this.#limits;
    const retries = token.getRetryCount() + 1;
    const beganAt = token instanceof RequestToken ? token.beganAt : performance.now();
    const isThrottled = errorType === "THROTTLING";
    const growing = (isThrottled ? throttledDelayMs : firstDelayMs) * 2 ** (retries - 1);
    const wantedMs = retryAfterHint === undefined ? 0 : retryAfterHint.getTime() - Date.now();
    const delayMs = Math.min(longestDelayMs, Math.max(wantedMs, Math.random() * growing));
    const isWorthIt = isThrottled || errorType === "TRANSIENT";
    if (!isWorthIt || retries >= attempts || performance.now() + delayMs > beganAt + patienceMs) {
      throw new Error("no further try");
    }
    return new RequestToken(beganAt, retries, delayMs);
  }

  recordSuccess(): void {
    // Nothing is counted.
  }
}
