/** What one check of an endpoint has come to. */
export interface EndpointCheck {
  readonly check: string;
  /** `missing`: training cannot work, or would lose work. `warning`: it works, with what is said. */
  readonly status: "ok" | "warning" | "missing";
  readonly found: string;
  /** What to do when it is not ok. */
  readonly remedy?: string;
}

/** Thrown by a check that finds something wrong; the endpoint itself answered. */
export class Shortcoming extends Error {
  override readonly name = "Shortcoming";
  readonly status: "warning" | "missing";
  readonly remedy: string | undefined;

  /** @param remedy what to do, where it is not what the check says anyway */
  constructor(found: string, options: { readonly status?: "warning" | "missing"; readonly remedy?: string } = {}) {
    super(found);
    this.status = options.status ?? "missing";
    this.remedy = options.remedy;
  }
}

/** Thrown instead of the SDK's error where an action is not permitted. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly action: string;

  constructor(action: string, cause: Error) {
    super(`${action} is refused (403): ${cause.message}`, { cause });
    this.action = action;
  }
}

/** Runs one check. Never rejects: whatever it throws is what was found. */
export async function tried(check: string, remedy: string, work: () => Promise<string>): Promise<EndpointCheck> {
  try {
    return { check, status: "ok", found: await work() };
  } catch (error) {
    if (error instanceof Shortcoming) {
      return { check, status: error.status, found: error.message, remedy: error.remedy ?? remedy };
    }
    if (error instanceof Refused) {
      return { check, status: "missing", found: error.message, remedy: `grant ${error.action} to these credentials` };
    }
    return { check, status: "missing", found: describe(error), remedy };
  }
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // An AggregateError of a refused connection has no message of its own.
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const words = error.message === "" ? (code ?? error.name) : error.message;
  return words.includes(error.name) || error.name === "Error" ? words : `${error.name}: ${words}`;
}
