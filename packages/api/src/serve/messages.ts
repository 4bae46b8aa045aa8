import { JobId } from "@stampede/core";
import * as z from "zod";

/** What the thread that runs jobs is given when it starts. */
export const RunnerSettings = z.strictObject({
  /** The folder of jobs and data. */
  home: z.string(),
  /** Executors at the same time. */
  threads: z.number().int().min(1),
  isolation: z.enum(["thread", "process"]),
  /** Of one executor, in MiB. */
  memoryLimitMb: z.number().int().min(1),
  /** Jobs that are prepared or run at the same time; others wait their turn. */
  jobsAtOnce: z.number().int().min(1),
});
export type RunnerSettings = z.infer<typeof RunnerSettings>;

/** To the thread: hints, as on a queue. */
export const RunnerMessage = z.discriminatedUnion("type", [
  /** The job is to be prepared and run, or gone on with. */
  z.strictObject({ type: z.literal("job"), job: JobId }),
  z.strictObject({ type: z.literal("close") }),
]);
export type RunnerMessage = z.infer<typeof RunnerMessage>;

/** From the thread: a job stopped without a result, and why; or, without a job, all of them did. */
export const RunnerTrouble = z.object({ job: JobId.optional(), code: z.string(), message: z.string() });
export type RunnerTrouble = z.infer<typeof RunnerTrouble>;
