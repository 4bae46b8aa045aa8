import { BatchRuns } from "../support/batch-runs.js";

/** A runner with one job that never ends; tells, by IPC, the ids of the job's processes once they are there. */
const grandparent = new URL("../fixtures/batch/grandparent.cjs", import.meta.url).pathname;
const runs = await BatchRuns.open({
  definitions: [{ name: "stay", command: [process.execPath, grandparent], environment: { STAY: "1" } }],
});
const jobId = await runs.submit("stay");
await runs.reaches(jobId, "RUNNING");
const watch = setInterval(() => {
  const child = Number(runs.runner.log(jobId));
  if (child === 0) return;
  clearInterval(watch);
  process.send?.(child);
}, 10);
