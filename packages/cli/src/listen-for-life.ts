import { setTimeout as sleep } from "node:timers/promises";
import type { AnyCluster } from "@stampede/client";
import type { JobId } from "@stampede/core";
import type { Client, ClusterName } from "./cluster.js";
import { preparationLines, Silence, silenceLines } from "./commands/silence.js";
import type { Host } from "./host.js";

const everyMs = 1000;
/** Small data is prepared sooner. */
const longPreparationMs = 120_000;

interface Listened {
  readonly client: Client;
  readonly cluster: AnyCluster;
  readonly name: ClusterName;
  readonly host: Host;
  /** Undefined as long as there is none. */
  readonly job: () => JobId | undefined;
  readonly note: (lines: readonly string[]) => void;
}

/** Says when nothing is heard of a job that functions run: somebody who waits for it should know that they may not run at all. */
export class LifeListener {
  readonly #listened: Listened;
  readonly #silence = new Silence(undefined);
  readonly #ending = new AbortController();
  #since: number | undefined;
  #isPreparationSaid = false;

  constructor(listened: Listened) {
    this.#listened = listened;
    if (listened.name !== "local") void this.#listen();
  }

  /** An event of the job was told. */
  heard(): void {
    this.#silence.heard(this.#listened.host.now());
  }

  close(): void {
    this.#ending.abort();
  }

  async #listen(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      // Whoever waits for the job is told what is wrong with the store or the endpoint.
      if (!signal.aborted) await this.look().catch(() => undefined);
    }
  }

  /** One look, if it is time for one; as long as the listener is open this is done every second. */
  async look(): Promise<void> {
    const { client, cluster, name, host, note } = this.#listened;
    const job = this.#listened.job();
    const now = host.now();
    if (job === undefined) return;
    // Its submission is the first that is heard of it.
    if (this.#since === undefined) this.#silence.heard((this.#since = now));
    if (!this.#silence.isLookDue(now)) return;
    const pulse = await client.feelPulse(cluster, job);
    const verdict = this.#silence.judge(pulse, host.now());
    if (pulse.status !== "unfinished" || this.#ending.signal.aborted) return;
    if (verdict.type === "silent") note(silenceLines(job, pulse.kind, verdict.forMs, name));
    const forMs = now - this.#since;
    if (pulse.isPrepared || this.#isPreparationSaid || forMs < longPreparationMs) return;
    this.#isPreparationSaid = true;
    note(preparationLines(job, forMs, name));
  }
}
