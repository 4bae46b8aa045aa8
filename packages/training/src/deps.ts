import type {
  Clock,
  Compute,
  Engine,
  EngineName,
  EventSink,
  Executors,
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

export interface DriverDeps extends CommonDeps {
  readonly executors: Executors;
}

export interface ExecutorDeps extends CommonDeps {
  /** @param compute of the compiled engine; others decide for themselves */
  readonly engine: (name: EngineName, compute?: Compute) => Promise<Engine>;
  /** How many bytes of partitions stay in memory between tasks. */
  readonly residentBytes: number;
  /** The memory that the executor uses now, where the platform can tell. */
  readonly usedBytes?: () => number;
}

export type ParameterServerDeps = CommonDeps;
