import { spawnSync } from "node:child_process";
import { join } from "node:path";

/**
 * Loads tfjs-node as Stampede's runtime does and computes with it, in a process of its own: a native library that does not fit
 * may end the process that loads it.
 *
 * @returns what is wrong; undefined if nothing is
 */
export function smokeTest(): string | undefined {
  // The arguments of this process make Node.js read TypeScript.
  const args = [...process.execArgv, join(import.meta.dirname, "smoke-process.ts")];
  // libtensorflow logs what processor it found unless told not to.
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const { status, signal, error, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  if (status === 0) return undefined;
  const end = error?.message ?? (signal === null ? `exit code ${status}` : `signal ${signal}`);
  // Node.js prints the source line that threw before the error itself.
  const reason = stderr.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? stderr.trim();
  return reason === "" ? end : `${reason} (${end})`;
}
