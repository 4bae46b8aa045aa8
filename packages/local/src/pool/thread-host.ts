import { parentPort, workerData } from "node:worker_threads";
import { Host } from "./host.js";
import { isolateBytes } from "./memory-guard.js";
import { NativeLatch } from "./native-latch.js";
import type { FromWorker, ToWorker } from "./protocol.js";

/** The program of every thread. */

const latch = new NativeLatch(workerData instanceof SharedArrayBuffer ? workerData : undefined);

function tell(message: FromWorker): void {
  parentPort?.postMessage(message);
}

const host = new Host({
  tell,
  die: (word) => {
    tell(word);
    process.exit();
  },
  usedBytes: isolateBytes,
  native: (work) => latch.during(work),
});

parentPort?.on("message", (message: ToWorker) => host.hear(message));
