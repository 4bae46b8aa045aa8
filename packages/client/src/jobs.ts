import type { JobDetails, JobId, JobSummary } from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local/folder";
import * as stored from "@stampede/training/jobs";
import { HttpCluster } from "./http/http-cluster.js";
import type { AnyCluster } from "./types.js";

/** Every job in the store, the newest first. */
export async function listJobs(cluster: AnyCluster): Promise<readonly JobSummary[]> {
  if (cluster instanceof HttpCluster) return cluster.list();
  return stored.listJobs(await cluster.open());
}

/** @throws StampedeError `job.not-found` */
export async function showJob(cluster: AnyCluster, job: JobId): Promise<JobDetails> {
  if (cluster instanceof HttpCluster) return cluster.show(job);
  return stored.showJob(await cluster.open(), job, systemClock.now());
}

/**
 * Less than `showJob` reads, for whoever asks again and again.
 * @throws StampedeError `job.not-found`
 */
export async function feelPulse(cluster: AnyCluster, job: JobId): Promise<stored.JobPulse> {
  if (cluster instanceof HttpCluster) return pulseOf(await cluster.show(job));
  return stored.feelPulse(await cluster.open(), job, systemClock.now());
}

/**
 * Cancels a job, whether anybody runs it or not.
 * @throws StampedeError `job.not-found`; `job.not-resumable` when it has already ended
 */
export async function cancelJob(cluster: AnyCluster, job: JobId): Promise<void> {
  if (cluster instanceof HttpCluster) return cluster.cancel(job);
  const training = await import("@stampede/training");
  await training.cancelJob(job, { store: await cluster.open(), clock: systemClock, unique: systemUnique });
  // It is cancelled already: a hint that is lost changes when that is noticed.
  await cluster.wake(job).catch(() => undefined);
}

function pulseOf({ status, kind, underWay, limits }: JobDetails): stored.JobPulse {
  const isPrepared = underWay?.stage !== "preparation";
  // Its data may be on its way for hours, without a sign of life of the job.
  const heartbeatTimeoutMs = isPrepared ? limits.heartbeatTimeoutSeconds * 1000 : Infinity;
  return { status, kind, isPrepared, lastSign: underWay?.lastSign, heartbeatTimeoutMs };
}
