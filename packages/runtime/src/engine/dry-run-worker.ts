import { parentPort, workerData } from "node:worker_threads";
import { dryRun, DryRun } from "./dry-run.js";

// What `chooseEngine` started this thread with.
parentPort?.postMessage(await dryRun(DryRun.parse(workerData)));
