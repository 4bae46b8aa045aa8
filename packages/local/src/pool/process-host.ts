import { Host } from "./host.js";
import { dieSaying, holdLifeline } from "./lifeline.js";
import type { ToWorker } from "./protocol.js";

/** The program of every process. */

// Ctrl-C in a terminal goes to all processes of the group; the parent decides what becomes of this one.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
holdLifeline();
process.on("uncaughtException", (error) => {
  dieSaying({ type: "crashed", found: `an error that nobody caught: ${error.stack ?? error.message}` });
});

const host = new Host({
  // Nobody is left to hear that it does not arrive.
  tell: (message) => void process.send?.(message, undefined, undefined, () => undefined),
  die: dieSaying,
  usedBytes: () => process.memoryUsage.rss(),
  native: (work) => work(),
});

process.on("message", (message: ToWorker) => host.hear(message));
