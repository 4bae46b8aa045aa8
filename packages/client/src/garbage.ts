import { StampedeError } from "@stampede/core";
import { systemClock } from "@stampede/local/folder";
import type { GarbageReport } from "@stampede/training";
import type { Cluster } from "./types.js";

export interface GarbageRequest {
  /** Only say what would be removed. @default false */
  readonly dryRun?: boolean;
  /** What might belong to a job that is about to be submitted goes when it is so old; 0: at once. @default 24 */
  readonly minAgeHours?: number;
  /** Jobs that ended so long ago are removed whole. @default none */
  readonly jobsOlderThanDays?: number;
}

const hourMs = 3_600_000;

/**
 * Removes from the cluster's store what no job needs: see `collectGarbage` in `@stampede/training` for what that is. Jobs may run, and
 * be submitted, meanwhile.
 *
 * @throws StampedeError `option.invalid`; `store.*`, and what was removed before stays removed
 */
export async function removeGarbage(cluster: Cluster, request: GarbageRequest = {}): Promise<GarbageReport> {
  const { dryRun = false, minAgeHours = 24, jobsOlderThanDays } = request;
  const minAgeMs = positive("minAgeHours", minAgeHours) * hourMs;
  const jobsOlderThanMs =
    jobsOlderThanDays === undefined ? undefined : positive("jobsOlderThanDays", jobsOlderThanDays) * 24 * hourMs;
  const deps = { store: await cluster.open(), clock: systemClock };
  const { collectGarbage } = await import("@stampede/training");
  return collectGarbage({ dryRun, minAgeMs, jobsOlderThanMs }, deps);
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new StampedeError("option.invalid", `Expected 0 or more as ${name}, found ${value}. Nothing was removed.`);
}
