import type {
  Clock,
  Compute,
  DeltaMessage,
  Engine,
  EngineName,
  EventSink,
  Executors,
  JobId,
  ObjectStore,
  Queue,
  UniqueSource,
} from "@stampede/core";

/** The queues by what they wake. */
export interface Queues {
  readonly driver: Pick<Queue, "send">;
  readonly deltas: Pick<Queue, "send">;
}

/** What every role needs. */
export interface CommonDeps {
  readonly store: ObjectStore;
  readonly queues: Queues;
  readonly clock: Clock;
  readonly unique: UniqueSource;
  readonly events: EventSink;
}

/** What became of a job that was requested: data is still on its way, its driver has been told of it, or it has ended. */
export type Preparation = "under-way" | "submitted" | "failed";

export interface DriverDeps extends CommonDeps {
  readonly executors: Executors;
  /** Makes a job of a request (`prepareJob`); absent where only clients do. Loaded when it is needed: it takes all that compiles models. */
  readonly prepare?: (job: JobId) => Promise<Preparation>;
}

export interface ExecutorDeps extends CommonDeps {
  /** @param compute of the compiled engine; others decide for themselves */
  readonly engine: (name: EngineName, compute?: Compute) => Promise<Engine>;
  /** How many bytes of partitions stay in memory between tasks. */
  readonly residentBytes: number;
  /** The memory that the executor uses now, where the platform can tell. */
  readonly usedBytes?: () => number;
  /** How often a busy executor asks whether it is still needed: two to four small requests, which may cost money. @default 2,000 */
  readonly stopCheckMs?: number;
}

export interface ParameterServerDeps extends CommonDeps {
  /** Starts another parameter server with this one message; absent where only the queue does. */
  readonly startServer?: (message: DeltaMessage) => Promise<void>;
}
