import type { Clock, ExecutorCapacity, ObjectStore, Presigner, Queue, UniqueSource } from "@stampede/core";

/** What every answer leaves in the log. Never a token, a body or a query. */
export interface AccessEntry {
  readonly request: string;
  readonly method: string;
  /** As the operation has it, with its parameters in braces. */
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  /** The id of the token, which is not secret. */
  readonly token?: string;
  readonly code?: string;
  /** Of an error that nobody foresaw: for the log alone. */
  readonly error?: string;
}

/** How files come and go: through the endpoint, or past it by addresses that are signed for a moment. */
export type Transfer = { readonly by: "endpoint" } | { readonly by: "addresses"; readonly presigner: Presigner };

export interface ApiLimits {
  /** Of one token, in one second. @default 100 */
  readonly requestsPerSecond: number;
  /** Requests without a good token that one address may make in a minute. @default 30 */
  readonly failuresPerMinute: number;
  /** Event streams at the same time. @default 2000 */
  readonly streams: number;
  /** What a JSON body may take to arrive. @default 10,000 */
  readonly bodyMs: number;
  /** What an upload may pause. @default 30,000 */
  readonly uploadPauseMs: number;
  /** Of one uploaded file. @default 16 GiB */
  readonly uploadBytes: number;
  /** How often a job that is followed is looked at. @default 1,000 */
  readonly lookMs: number;
  /** A sign of life in a stream of events where nothing else is told. @default 15,000 */
  readonly heartbeatMs: number;
  /** After this a stream of events ends, and its reader comes back; where connections may not last. @default never */
  readonly streamMs?: number;
}

export const defaultLimits: ApiLimits = {
  requestsPerSecond: 100,
  failuresPerMinute: 30,
  streams: 2000,
  bodyMs: 10_000,
  uploadPauseMs: 30_000,
  uploadBytes: 16 * 2 ** 30,
  lookMs: 1000,
  heartbeatMs: 15_000,
};

export interface ApiDeps {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly unique: UniqueSource;
  /** Whoever prepares and runs the jobs. */
  readonly queues: { readonly driver: Pick<Queue, "send"> };
  /** Of the executors that jobs will have. */
  readonly capacity: ExecutorCapacity;
  readonly transfer: Transfer;
  /** Buckets that jobs may read data from. No other place is read, but for uploads and what comes with Stampede. */
  readonly buckets: readonly string[];
  /** Web pages that may speak to the endpoint from a browser (CORS). @default none */
  readonly origins?: readonly string[];
  readonly limits?: Partial<ApiLimits>;
  readonly version: string;
  readonly log: (entry: AccessEntry) => void;
  /** The address that a request came from; what `env` is depends on who runs the app. */
  readonly addressOf: (env: unknown) => string;
}
