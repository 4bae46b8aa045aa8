/**
 * Every function and queue that Stampede consists of on AWS, in one table: the emulated deployment (`infra/emulated`) and the one
 * with SST both read it, so that what is tested is what is deployed.
 */

export const queueNames = ["driver", "deltas", "invocations"] as const;
export type QueueName = (typeof queueNames)[number];

export const functionNames = ["driver", "parameter-server", "executor", "sharder", "sweeper", "api"] as const;
export type FunctionName = (typeof functionNames)[number];

/** What a function may do, and nothing else. `list` is also what makes S3 answer 404, and not 403, for an object that is not there. */
interface Access {
  readonly objects: readonly ("read" | "write" | "list" | "delete")[];
  readonly sends: readonly QueueName[];
  readonly invokes: readonly FunctionName[];
  readonly submitsBatchJobs: boolean;
}

interface QueueSource {
  readonly queue: QueueName;
  /** Messages of one invocation at most; above 10 a window is needed. */
  readonly batchSize: number;
  /** Environments that work on this queue at the same time, 2 at least (limit of AWS). */
  readonly maxConcurrency: number;
}

export interface FunctionResource {
  /** 128 ... 10,240 MiB; 1,769 are one processor. New accounts may be limited to 3,008. */
  readonly memoryMb: number;
  /** 900 at most: the limit of Lambda. */
  readonly timeoutSeconds: number;
  readonly sources: readonly QueueSource[];
  /** Is invoked asynchronously, without a retry by the platform: what ends without a word is told to this queue. */
  readonly failuresTo?: QueueName;
  /** Is invoked so often. */
  readonly everyMinutes?: number;
  /**
   * Answers requests from outside, at an address of its own, streaming as long as it may work. AWS lets everybody through to it: who asks
   * MUST be checked by the function, by tokens. @default false
   */
  readonly answersRequests?: boolean;
  /** Of the folder for temporary files; 512 ... 10,240 MiB. @default 512 */
  readonly temporaryMb?: number;
  /** Reads the users' own data, at `s3://`. @default false */
  readonly readsUserData?: boolean;
  readonly access: Access;
}

export interface QueueResource {
  /** How long a received message stays hidden. */
  readonly visibilitySeconds: number;
  /** After so many deliveries a message goes to the dead letters. */
  readonly maxReceives: number;
}

export type FunctionTable = Readonly<Record<FunctionName, FunctionResource>>;

/** The same of every function, in the order of the table. */
export function byFunction<T>(make: (name: FunctionName) => T): Readonly<Record<FunctionName, T>> {
  return {
    driver: make("driver"),
    "parameter-server": make("parameter-server"),
    executor: make("executor"),
    sharder: make("sharder"),
    sweeper: make("sweeper"),
    api: make("api"),
  };
}

/** The same of every queue. */
export function byQueue<T>(make: (name: QueueName) => T): Readonly<Record<QueueName, T>> {
  return { driver: make("driver"), deltas: make("deltas"), invocations: make("invocations") };
}

const readsAndWrites = ["read", "write", "list"] as const;
const nothingElse = { sends: [], invokes: [], submitsBatchJobs: false } as const;

export const functions: FunctionTable = {
  // Preparing a job traces its model, which takes seconds and the memory of TensorFlow.js.
  driver: {
    memoryMb: 3008,
    timeoutSeconds: 120,
    sources: [
      { queue: "driver", batchSize: 10, maxConcurrency: 10 },
      { queue: "invocations", batchSize: 10, maxConcurrency: 2 },
    ],
    readsUserData: true,
    access: {
      objects: [...readsAndWrites, "delete"],
      sends: ["driver", "deltas"],
      invokes: ["executor", "sharder"],
      submitsBatchJobs: true,
    },
  },
  // Big rounds are averaged by hundreds of them, each of which needs little.
  "parameter-server": {
    memoryMb: 1769,
    timeoutSeconds: 300,
    sources: [{ queue: "deltas", batchSize: 10, maxConcurrency: 100 }],
    failuresTo: "invocations",
    access: {
      ...nothingElse,
      objects: readsAndWrites,
      sends: ["driver", "deltas"],
      invokes: ["parameter-server"],
    },
  },
  executor: {
    memoryMb: 3008,
    timeoutSeconds: 900,
    sources: [],
    failuresTo: "invocations",
    access: { ...nothingElse, objects: readsAndWrites, sends: ["driver", "deltas"] },
  },
  sharder: {
    memoryMb: 3008,
    timeoutSeconds: 900,
    sources: [],
    failuresTo: "invocations",
    temporaryMb: 2048,
    readsUserData: true,
    access: { ...nothingElse, objects: [...readsAndWrites, "delete"], sends: ["driver"], invokes: ["sharder"] },
  },
  sweeper: {
    memoryMb: 512,
    timeoutSeconds: 60,
    sources: [],
    everyMinutes: 5,
    access: { ...nothingElse, objects: ["read", "list", "delete"], sends: ["driver"] },
  },
  // Each environment answers one request at a time, and whoever follows a job keeps one: half a processor is plenty for that.
  api: {
    memoryMb: 1024,
    timeoutSeconds: 900,
    sources: [],
    answersRequests: true,
    access: { ...nothingElse, objects: [...readsAndWrites, "delete"], sends: ["driver"] },
  },
};

/** AWS refuses a queue whose messages come back while a handler may still work on them, and advises six times its timeout. */
const visibilityFactor = 6;
/** Messages that fail come back after 2, 4, 8 ... 60 s: together five minutes of a service that is down, and then the sweeper wakes the job. */
const maxReceives = 10;

/**
 * The queues that go with the functions. Each has a queue of dead letters, of the same name with `-dead`.
 * @param table {@link functions}, or those with other timeouts
 */
export function queuesFor(table: FunctionTable): Readonly<Record<QueueName, QueueResource>> {
  const queueFor = (queue: QueueName): QueueResource => {
    const consumers = functionNames.filter((name) => table[name].sources.some((source) => source.queue === queue));
    const longest = Math.max(...consumers.map((name) => table[name].timeoutSeconds));
    return { visibilitySeconds: visibilityFactor * longest, maxReceives };
  };
  return byQueue(queueFor);
}
