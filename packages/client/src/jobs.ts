import type { JobDetails, JobId, JobSummary } from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local";
import { cancelJob as cancelStored } from "@stampede/training";
import * as stored from "@stampede/training/jobs";
import type { Cluster } from "./types.js";

/** Every job in the store, the newest first. */
export async function listJobs(cluster: Cluster): Promise<readonly JobSummary[]> {
  return stored.listJobs(await cluster.open());
}

/** @throws StampedeError `job.not-found` */
export async function showJob(cluster: Cluster, job: JobId): Promise<JobDetails> {
  return stored.showJob(await cluster.open(), job, systemClock.now());
}

/**
 * Less than `showJob` reads, for whoever asks again and again.
 * @throws StampedeError `job.not-found`
 */
export async function feelPulse(cluster: Cluster, job: JobId): Promise<stored.JobPulse> {
  return stored.feelPulse(await cluster.open(), job, systemClock.now());
}

/**
 * Cancels a job, whether anybody runs it or not.
 * @throws StampedeError `job.not-found`; `job.not-resumable` when it has already ended
 */
export async function cancelJob(cluster: Cluster, job: JobId): Promise<void> {
  await cancelStored(job, { store: await cluster.open(), clock: systemClock, unique: systemUnique });
  // It is cancelled already: a hint that is lost changes when that is noticed.
  await cluster.wake(job).catch(() => undefined);
}
