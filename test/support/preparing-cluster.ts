import type { Cluster, LocalCluster } from "@stampede/client";
import { StampedeError, type DataFiles, type JobId, type ObjectStore } from "@stampede/core";
import { shardDataset, type FileAccess } from "@stampede/data";
import { systemClock, systemUnique } from "@stampede/local";
import { requestJob, type CommonDeps, type WantedJob } from "@stampede/training";
import { prepareJob, type PrepareDeps } from "@stampede/training/prepare";

/** Objects at `s3://`, in memory. */
export function memoryFiles(objects: Readonly<Record<string, string>>): DataFiles {
  return {
    async open(uri) {
      const text = objects[uri];
      if (text === undefined) {
        const message = `Cannot read the data file ${uri}: there is no such object. Nothing was written.`;
        throw new StampedeError("data.not-readable", message);
      }
      const body = new TextEncoder().encode(text);
      return {
        bytes: body.length,
        version: text,
        reader: ({ start, end } = { start: 0, end: body.length }) => {
          let rest = body.subarray(start, end);
          return {
            async read(into) {
              const taken = rest.subarray(0, into.length);
              into.set(taken);
              rest = rest.subarray(taken.length);
              return taken.length;
            },
            close: async () => undefined,
          };
        },
        close: async () => undefined,
      };
    },
  };
}

/**
 * A cluster that prepares the jobs that it is asked for, as one in the cloud does it, and runs them on this machine. The test says when they
 * are prepared.
 */
export class PreparingCluster implements Cluster {
  readonly requested: JobId[] = [];
  /** Jobs that somebody was told to look at. */
  readonly woken: JobId[] = [];
  readonly #cluster: LocalCluster;
  readonly #s3: DataFiles;

  constructor(cluster: LocalCluster, s3: DataFiles) {
    this.#cluster = cluster;
    this.#s3 = s3;
  }

  get capacity(): Cluster["capacity"] {
    return this.#cluster.capacity;
  }

  async prepare(job: JobId): Promise<void> {
    const { store, ...common } = await this.#common();
    const files: FileAccess = { disk: "refuse", s3: this.#s3 };
    const requestDataset: PrepareDeps["requestDataset"] = (_, wish) => shardDataset(wish, { store, job, files });
    await prepareJob(job, { ...common, store, requestDataset });
  }

  async request(wanted: WantedJob): Promise<JobId> {
    const job = await requestJob(wanted, await this.#common());
    this.requested.push(job);
    return job;
  }

  files(): Promise<FileAccess> {
    return Promise.resolve({ s3: this.#s3 });
  }

  open(): Promise<ObjectStore> {
    return this.#cluster.open();
  }

  warm(): void {
    this.#cluster.warm();
  }

  run(...[job, options]: Parameters<Cluster["run"]>): Promise<void> {
    return this.#cluster.run(job, options);
  }

  wake(job: JobId): Promise<void> {
    this.woken.push(job);
    return Promise.resolve();
  }

  record(...[event]: Parameters<Cluster["record"]>): void {
    this.#cluster.record(event);
  }

  events(job: JobId): ReturnType<Cluster["events"]> {
    return this.#cluster.events(job);
  }

  async #common(): Promise<CommonDeps> {
    const queue = { send: () => Promise.resolve() };
    return {
      store: await this.#cluster.open(),
      queues: { driver: queue, deltas: queue },
      clock: systemClock,
      unique: systemUnique,
      events: { emit: () => undefined },
    };
  }
}
