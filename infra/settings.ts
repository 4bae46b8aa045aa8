/** What whoever deploys decides: variables, which the `sst` command also reads from `.env` and `.env.<stage>`. */
export interface Settings {
  /** Absent: all executors are functions. */
  readonly batch?: BatchSettings;
  /** Buckets, by name, that jobs may read the users' own data from. @default none */
  readonly dataBuckets: readonly string[];
  /** Is told of alarms and of the budget. @default nobody: alarms are seen in the console only */
  readonly alarmEmail?: string;
  /** US dollars a month, of the whole account, at which nothing is started any more; 0 for no limit. @default 50 */
  readonly monthlyBudget: number;
  /** After so many days jobs are deleted, results and models too; 0 for never. @default 0 */
  readonly keepJobsDays: number;
  /** Executors that may run at the same time. @default the account's limit */
  readonly maxExecutors?: number;
  /** Requests from outside that are answered at the same time: a flood of them costs no more than that. @default the account's limit */
  readonly maxRequests?: number;
}

export interface BatchSettings {
  /** Of each machine there are none while no job waits. */
  readonly machines: "cpu" | "gpu";
  /** `both`: spot first, on demand when no more spot machines are allowed. */
  readonly buys: "spot" | "on-demand" | "both";
  /** Processors at the same time, of spot and of on-demand machines each. @default 16 */
  readonly maxVcpus: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** @throws Error that names the variable, what was expected and what was found */
export function settingsFrom(variables: Variables): Settings {
  const read = new Reader(variables);
  const batch = batchFrom(read);
  const alarmEmail = read.text("STAMPEDE_ALARM_EMAIL", /^[^@\s]+@[^@\s]+$/, "an address");
  const maxExecutors = read.count("STAMPEDE_MAX_EXECUTORS");
  const maxRequests = read.count("STAMPEDE_MAX_REQUESTS");
  return {
    ...(batch && { batch }),
    dataBuckets: read.list("STAMPEDE_DATA_BUCKETS", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "names of buckets"),
    ...(alarmEmail !== undefined && { alarmEmail }),
    monthlyBudget: read.count("STAMPEDE_BUDGET_USD") ?? 50,
    keepJobsDays: read.count("STAMPEDE_KEEP_JOBS_DAYS") ?? 0,
    ...(maxExecutors !== undefined && { maxExecutors }),
    ...(maxRequests !== undefined && { maxRequests }),
  };
}

function batchFrom(read: Reader): BatchSettings | undefined {
  const buys = read.choice("STAMPEDE_BATCH", ["off", "spot", "on-demand", "both"]) ?? "off";
  const machines = read.choice("STAMPEDE_BATCH_MACHINES", ["cpu", "gpu"]) ?? "cpu";
  const maxVcpus = read.count("STAMPEDE_BATCH_MAX_VCPUS") ?? 16;
  return buys === "off" ? undefined : { machines, buys, maxVcpus };
}

class Reader {
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  text(name: string, pattern: RegExp, expected: string): string | undefined {
    // A variable that is set to nothing is not set.
    const text = this.#variables[name]?.trim() ?? "";
    if (text === "") return undefined;
    if (!pattern.test(text)) throw unexpected(name, expected, text);
    return text;
  }

  list(name: string, pattern: RegExp, expected: string): readonly string[] {
    const items = (this.text(name, /./, expected) ?? "").split(",").map((item) => item.trim());
    const found = items.filter((item) => item !== "");
    const wrong = found.find((item) => !pattern.test(item));
    if (wrong !== undefined) throw unexpected(name, `${expected}, with commas between them`, wrong);
    return found;
  }

  count(name: string): number | undefined {
    const text = this.text(name, /^\d{1,6}$/, "a whole number");
    return text === undefined ? undefined : Number(text);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name, /./, choices.join(", "));
    const chosen = choices.find((choice) => choice === text);
    if (text !== undefined && chosen === undefined) throw unexpected(name, `one of ${choices.join(", ")}`, text);
    return chosen;
  }
}

function unexpected(name: string, expected: string, found: string): Error {
  return new Error(`Expected ${name} to be ${expected}, found "${found}". Nothing is deployed.`);
}
