import { sweepJobs } from "@stampede/training";
import { commonDeps } from "./deps.js";
import { tellMetrics } from "./meter.js";

/** The sweeper: woken by a schedule, it wakes the drivers of jobs that a lost message has stalled. */
export async function handler(): Promise<void> {
  try {
    await sweepJobs(commonDeps());
  } finally {
    tellMetrics("sweeper");
  }
}
