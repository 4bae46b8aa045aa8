import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import type { EngineName, JobEvent, JobId, ObjectStore } from "@stampede/core";
import type { Isolation, LocalCloud } from "@stampede/local";
import { FolderObjectStore, JobLog } from "@stampede/local/folder";
import type { Capacity, Cluster, RunOptions } from "./types.js";

export interface LocalClusterOptions {
  /** The folder of jobs and data sets. @default the environment variable STAMPEDE_HOME, else `.stampede` in the current folder */
  readonly home?: string;
  /** Executors that run at the same time; more than this take turns. @default the number of cores */
  readonly threads?: number;
  /**
   * What each executor runs in. In a process its native memory is measured, and when it crashes it takes nobody with it; a process
   * takes 0.15 s to start and 70 MB more. @default "thread"
   */
  readonly isolation?: Isolation;
  /** The memory that one executor may use, in MiB. @default 4096 */
  readonly memoryLimitMb?: number;
}

/** A cluster that must be closed: it holds threads, or processes. */
export interface LocalCluster extends Cluster {
  /** Whether an executor runs native code right now: `process.exit` would cut it off, and the process would abort. */
  readonly isInNative: boolean;
  close(): Promise<void>;
}

/** This machine as a cluster: executors are worker threads or processes, the object store is a folder. No account, no network. */
export function localCluster(options: LocalClusterOptions = {}): LocalCluster {
  return new EmbeddedCluster(options);
}

const defaultMemoryMb = 4096;

class EmbeddedCluster implements LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #home: string;
  readonly #log: JobLog;
  #store: FolderObjectStore | undefined;
  /** Executors are started by the first job, not by whoever only lists jobs; what runs them is loaded then. */
  #starting: Promise<LocalCloud> | undefined;
  #cloud: LocalCloud | undefined;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
    const fromEnvironment = process.env["STAMPEDE_HOME"];
    const home = options.home ?? (fromEnvironment === "" ? undefined : fromEnvironment) ?? ".stampede";
    this.#home = resolve(home);
    this.#log = new JobLog(this.#home);
  }

  async open(): Promise<ObjectStore> {
    this.#store ??= FolderObjectStore.open(this.#home);
    return this.#store;
  }

  get isInNative(): boolean {
    return this.#cloud?.isInNative === true;
  }

  get capacity(): Capacity {
    const { threads = availableParallelism(), memoryLimitMb = defaultMemoryMb } = this.#options;
    return { cores: availableParallelism(), executors: threads, memoryBytes: memoryLimitMb * 2 ** 20 };
  }

  warm(engine?: EngineName): void {
    this.#started(engine).catch(() => undefined);
  }

  async run(job: JobId, { resumed, onEvent, signal }: RunOptions): Promise<void> {
    const cloud = await this.#started();
    await cloud.run(job, { resumed, onEvent, ...(signal && { signal }) });
  }

  async wake(): Promise<void> {
    // Whichever process runs the job looks at the store twice a second.
  }

  record(event: JobEvent): void {
    this.#log.append(event);
  }

  events(job: JobId): Promise<readonly JobEvent[]> {
    return this.#log.read(job);
  }

  async close(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    await (await starting?.catch(() => undefined))?.close();
    this.#cloud = undefined;
  }

  #started(likelyEngine?: EngineName): Promise<LocalCloud> {
    this.#starting ??= this.#start(likelyEngine);
    return this.#starting;
  }

  async #start(likelyEngine: EngineName = "compiled"): Promise<LocalCloud> {
    const { threads = availableParallelism(), isolation = "thread", memoryLimitMb = defaultMemoryMb } = this.#options;
    const local = await import("@stampede/local");
    this.#cloud = local.LocalCloud.start({ home: this.#home, threads, isolation, memoryLimitMb, likelyEngine });
    return this.#cloud;
  }
}
