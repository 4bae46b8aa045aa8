import { isStampedeError, keys, toErrorFacts, JobId, type JobEvent, type ObjectStore } from "@stampede/core";
import { shardDataset, uploadedFiles } from "@stampede/data";
import { FolderObjectStore, JobLog, LocalCloud, systemClock, systemUnique } from "@stampede/local";
import { exists, type Preparation } from "@stampede/training";
import { prepareJob, type PrepareDeps } from "@stampede/training/prepare";
import type { RunnerSettings, RunnerTrouble } from "./messages.js";

/** What may pass is tried again after so long, and given up after so many tries. */
const retryMs = 5000;
const maxTries = 5;

/**
 * Prepares and runs the jobs of a folder that were requested, a few at a time, in the order in which they are heard of. Everything true is
 * in the folder: what a runner was doing when its process died, the next one goes on with.
 */
export class JobRunner {
  readonly #store: ObjectStore;
  readonly #log: JobLog;
  readonly #cloud: LocalCloud;
  readonly #jobsAtOnce: number;
  readonly #onTrouble: (trouble: RunnerTrouble) => void;
  readonly #stopped = new AbortController();
  /** In the order of their coming; those that run too. */
  readonly #waiting = new Set<JobId>();
  readonly #running = new Map<JobId, Promise<void>>();
  readonly #tries = new Map<JobId, number>();

  constructor(settings: RunnerSettings, onTrouble: (trouble: RunnerTrouble) => void) {
    const { home, threads, isolation, memoryLimitMb, jobsAtOnce } = settings;
    this.#store = FolderObjectStore.open(home);
    this.#log = new JobLog(home);
    this.#cloud = LocalCloud.start({ home, threads, isolation, memoryLimitMb, likelyEngine: "compiled" });
    this.#jobsAtOnce = jobsAtOnce;
    this.#onTrouble = onTrouble;
  }

  /** Hears of every job that was requested here and has not ended. */
  async recover(): Promise<void> {
    for await (const { key } of this.#store.list(keys.unfinished)) {
      const job = JobId.safeParse(key.slice(keys.unfinished.length));
      // Others are run by whoever submitted them.
      if (job.success && (await exists(this.#store, keys.request(job.data)))) this.hear(job.data);
    }
  }

  /** A job may be heard of any number of times. */
  hear(job: JobId): void {
    if (this.#running.has(job)) return;
    this.#waiting.add(job);
    this.#fill();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#waiting.clear();
    await this.#cloud.close();
    await Promise.all(this.#running.values());
  }

  #fill(): void {
    for (const job of this.#waiting) {
      if (this.#running.size >= this.#jobsAtOnce || this.#stopped.signal.aborted) return;
      this.#waiting.delete(job);
      this.#running.set(job, this.#work(job));
    }
  }

  async #work(job: JobId): Promise<void> {
    try {
      if ((await this.#prepare(job)) === "submitted" && !this.#stopped.signal.aborted) await this.#run(job);
      this.#tries.delete(job);
    } catch (error) {
      this.#fail(job, error);
    } finally {
      this.#running.delete(job);
      this.#fill();
    }
  }

  #prepare(job: JobId): Promise<Preparation> {
    const files = { disk: "refuse", uploads: uploadedFiles(this.#store) } as const;
    const deps: PrepareDeps = {
      store: this.#store,
      clock: systemClock,
      unique: systemUnique,
      events: { emit: (event) => this.#tell(event) },
      // Whoever prepares it runs it: nobody has to be told.
      queues: { driver: { send: async () => undefined }, deltas: { send: async () => undefined } },
      requestDataset: (id, wish) =>
        shardDataset(wish, { job: id, store: this.#store, files, signal: this.#stopped.signal }),
    };
    return prepareJob(job, deps);
  }

  /** As one that goes on: where nothing has begun it begins. */
  async #run(job: JobId): Promise<void> {
    const onEvent = (event: JobEvent): void => this.#tell(event);
    await this.#cloud.run(job, { resumed: true, onEvent, signal: this.#stopped.signal });
  }

  #tell(event: JobEvent): void {
    this.#log.append(event);
  }

  #fail(job: JobId, error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const { code, message, retryable } = toErrorFacts(error);
    const tries = (this.#tries.get(job) ?? 0) + 1;
    const isForeign = !isStampedeError(error);
    if (retryable && !isForeign && tries < maxTries) {
      this.#tries.set(job, tries);
      setTimeout(() => this.hear(job), retryMs).unref();
      return;
    }
    this.#tries.delete(job);
    this.#onTrouble({ job, code, message });
  }
}
