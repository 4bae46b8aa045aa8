import { Socket } from "node:net";
import { workerData } from "node:worker_threads";

/** The program of the thread that watches a process's lifeline. Nothing heavy is loaded here: every executor has one. */

new Socket({ fd: Number(workerData), readable: true })
  .on("error", () => undefined)
  .on("close", () => process.kill(process.pid, "SIGKILL"))
  .resume();
