import { StampedeError } from "@stampede/core";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { scopes, type Operation } from "../contract/operation.js";
import type { TokenRecord } from "../tokens/record.js";
import { findToken } from "../tokens/tokens.js";
import type { ApiDeps, ApiLimits } from "./deps.js";

/** An error that says when to come back. */
export class RateLimited extends StampedeError {
  readonly retryAfterSeconds: number;

  constructor(what: string, waitMs: number) {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    super("api.rate-limited", `Expected fewer ${what}. Nothing was started; try again in ${seconds} s.`);
    this.retryAfterSeconds = seconds;
  }
}

/** Lets requests in: by their token, its scope, and how many there were. Counts in memory, for this process alone. */
export class Gate {
  readonly #deps: ApiDeps;
  readonly #requests: RateLimiterMemory;
  readonly #failures: RateLimiterMemory;
  readonly #maxFailures: number;

  constructor(deps: ApiDeps, { requestsPerSecond, failuresPerMinute }: ApiLimits) {
    this.#deps = deps;
    this.#requests = new RateLimiterMemory({ points: requestsPerSecond, duration: 1 });
    this.#failures = new RateLimiterMemory({ points: failuresPerMinute, duration: 60 });
    this.#maxFailures = failuresPerMinute;
  }

  /**
   * The token of a request that may do what it asks for; undefined where none is wanted.
   * @throws StampedeError `api.unauthorized`, `api.forbidden`, `api.rate-limited`, `store.*`
   */
  async admit(request: Request, { scope }: Operation, env: unknown): Promise<TokenRecord | undefined> {
    const address = this.#deps.addressOf(env);
    if (scope === "none") {
      await consume(this.#requests, `address ${address}`, "requests a second");
      return undefined;
    }
    // Before the store is asked: whoever guesses costs nothing.
    const failures = await this.#failures.get(address);
    if (failures !== null && failures.consumedPoints >= this.#maxFailures) {
      throw new RateLimited("requests without a good token", failures.msBeforeNext);
    }
    const record = await findToken(bearerOf(request), this.#deps.store, this.#deps.clock.now());
    if (record === undefined) {
      await consume(this.#failures, address, "requests without a good token");
      const message = "Expected a bearer token that is known and has not expired, found none. Nothing was started.";
      throw new StampedeError("api.unauthorized", message);
    }
    await consume(this.#requests, `token ${record.id}`, "requests a second");
    if (scopes.indexOf(record.scope) >= scopes.indexOf(scope)) return record;
    const message = `Expected a token of the scope ${scope}, found one of the scope ${record.scope}. Nothing was started.`;
    throw new StampedeError("api.forbidden", message);
  }
}

function bearerOf(request: Request): string {
  return /^Bearer (\S{1,200})$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
}

async function consume(limiter: RateLimiterMemory, key: string, what: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw new RateLimited(what, error.msBeforeNext);
  }
}
