/** What an error of the SDK says, and those of the system below it. */
export interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** How often the request was sent. */
  readonly attempts: number;
}

/** Reads without belief: what is thrown may be anything. */
export function factsOf(error: unknown): ErrorFacts {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const metadata = field(error, "$metadata");
  const status = field(metadata, "httpStatusCode");
  const attempts = field(metadata, "attempts");
  return {
    name,
    message,
    status: typeof status === "number" ? status : undefined,
    attempts: typeof attempts === "number" ? attempts : 1,
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
