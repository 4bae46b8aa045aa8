import { exitCode } from "./exit-code.js";
import type { Host } from "./host.js";
import { runCommandLine } from "./program.js";

const host: Host = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  onInterrupt(listener) {
    process.on("SIGINT", listener).on("SIGTERM", listener);
    return () => void process.off("SIGINT", listener).off("SIGTERM", listener);
  },
  onClosedOutput(listener) {
    closedOutput.add(listener);
    return () => void closedOutput.delete(listener);
  },
  onExit(listener) {
    process.on("exit", listener);
    return () => void process.off("exit", listener);
  },
  exit: (code) => process.exit(code),
  die() {
    process.emit("exit", exitCode.interrupted);
    process.removeAllListeners("SIGINT");
    process.kill(process.pid, "SIGINT");
  },
};

const closedOutput = new Set<() => void>();

/** The reader has gone (`stampede ... | head`): nobody is left to be told. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  for (const listener of closedOutput) listener();
}

process.stdout.on("error", onOutputError);
process.stderr.on("error", onOutputError);
process.exitCode = await runCommandLine(process.argv.slice(2), host);
