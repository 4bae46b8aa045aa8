import type { Cluster } from "@stampede/client";
import { StampedeError, type JobEvent, type ObjectStore } from "@stampede/core";

/** A cluster of which only the store is there: for calls that run nothing. */
export function storeCluster(store: ObjectStore): Cluster {
  const told: JobEvent[] = [];
  return {
    capacity: { cores: 1, executors: 1, memoryBytes: 2 ** 30 },
    open: () => Promise.resolve(store),
    warm: () => undefined,
    run: (job) => Promise.reject(new StampedeError("internal.unexpected", `nothing runs ${job} here`)),
    wake: () => Promise.resolve(),
    record: (event) => void told.push(event),
    events: (job) => Promise.resolve(told.filter((event) => event.job === job)),
  };
}
