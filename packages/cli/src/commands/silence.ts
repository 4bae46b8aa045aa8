import type { JobPulse } from "@stampede/client";
import type { JobId } from "@stampede/core";
import { clusterWords, type ClusterName } from "../cluster.js";
import * as text from "../present/text.js";

/** Shorter silences say nothing, whatever the job's settings are. */
const leastPatienceMs = 30_000;
/** Signs of life are many small objects: they are looked for this often, and only while the log is silent. */
const lookMs = 30_000;
const leastLookMs = 500;

/** What a watcher does about a job that is silent. */
export type Verdict =
  | { readonly type: "heard" }
  /** Nothing was heard for too long; said once for each silence. */
  | { readonly type: "silent"; readonly forMs: number }
  | { readonly type: "give-up"; readonly forMs: number };

/** Keeps account of when a job was last heard of. Times are milliseconds since the epoch. */
export class Silence {
  readonly #giveUpMs: number;
  readonly #everyMs: number;
  #heardAt = -Infinity;
  #lookedAt = -Infinity;
  #isSaid = false;
  /** When the first look was. */
  #since: number | undefined;

  /** @param giveUpMs after how long it is given up; undefined for never */
  constructor(giveUpMs: number | undefined) {
    this.#giveUpMs = giveUpMs ?? Infinity;
    this.#everyMs = Math.max(leastLookMs, Math.min(lookMs, this.#giveUpMs / 4));
  }

  heard(at: number): void {
    this.#heardAt = Math.max(this.#heardAt, at);
  }

  /** Whether somebody should look for signs of life elsewhere. */
  isLookDue(now: number): boolean {
    return now - Math.max(this.#heardAt, this.#lookedAt) >= this.#everyMs;
  }

  /** What to do after a look for the signs of life of an unfinished job. */
  judge({ lastSign, heartbeatTimeoutMs }: JobPulse, now: number): Verdict {
    this.#lookedAt = now;
    this.#since ??= now;
    if (lastSign !== undefined) this.heard(now - lastSign.agoMs);
    const forMs = now - this.#heardAt;
    // Who has just come has not listened yet: signs of life in the store are seconds old, of a job that is well too.
    const hasListened = now - this.#since >= Math.min(this.#giveUpMs, leastPatienceMs);
    const mayGiveUp = Number.isFinite(this.#giveUpMs) && hasListened;
    if (mayGiveUp && forMs >= this.#giveUpMs) return { type: "give-up", forMs };
    if (forMs < Math.max(leastPatienceMs, heartbeatTimeoutMs)) {
      this.#isSaid = false;
      return { type: "heard" };
    }
    if (this.#isSaid) return { type: "heard" };
    this.#isSaid = true;
    return { type: "silent", forMs };
  }
}

/** What a person is told about a job that is silent. */
export function silenceLines(
  job: JobId,
  kind: JobPulse["kind"],
  forMs: number,
  cluster: ClusterName = "local",
): readonly string[] {
  return [`${silenceOf(job, forMs, cluster)} Watching on.`, nextStep(job, kind, cluster)];
}

function nextStep(job: JobId, kind: JobPulse["kind"], cluster: ClusterName): string {
  if (cluster !== "local") {
    return lookThere(job, cluster);
  }
  return kind === "train"
    ? `  Go on with it: stampede train JOB.yaml --resume ${job}`
    : `  Start it again, and end this one: stampede jobs cancel ${job}`;
}

/** What a person is told about a job that is prepared in the cloud for long, of which there are no signs of life. */
export function preparationLines(job: JobId, forMs: number, cluster: ClusterName): readonly string[] {
  const found = `${job} is still being prepared after ${text.duration(forMs)}: much data takes that long, and so do functions that do not run.`;
  return [`${found} Watching on.`, lookThere(job, cluster)];
}

function lookThere(job: JobId, cluster: ClusterName): string {
  const life = `stampede jobs show ${job}${clusterWords(cluster)}`;
  return `  The sweeper wakes a stalled job every few minutes; why functions fail stands in their logs. What it has come to: ${life}`;
}

export function silenceOf(job: JobId, forMs: number, cluster: ClusterName = "local"): string {
  const why =
    cluster !== "local"
      ? "its functions do not run, or wait for their turn, or a message was lost"
      : "the process that ran it is probably gone";
  return `Nothing was heard of ${job} for ${text.duration(forMs)}: ${why}.`;
}
