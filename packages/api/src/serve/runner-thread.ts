import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { JobRunner } from "./job-runner.js";
import { RunnerMessage, RunnerSettings, type RunnerTrouble } from "./messages.js";

/** The thread of `stampede serve` that prepares and runs jobs, so that building and compiling models keeps no request waiting. */
const port = parentPort;
if (port === null) throw new Error("Expected to run as a thread of stampede serve.");

/** Of 20 at most: a job gets the cores that requests leave. */
const niceness = 10;
// Linux does that to the calling thread, and so to the threads of executors, which it starts; other systems to the whole process.
if (process.platform === "linux") setPriority(0, niceness);

const runner = new JobRunner(RunnerSettings.parse(workerData), (trouble: RunnerTrouble) => port.postMessage(trouble));
port.on("message", (value: unknown) => {
  const message = RunnerMessage.parse(value);
  if (message.type === "job") runner.hear(message.job);
  else void runner.close().then(() => port.close());
});
await runner.recover();
