import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";

export const Compiled = z.strictObject({
  /** Of the largest graph. */
  bytes: z.number(),
  /** Trace, encode and open, several times in one process. */
  readyMs: z.array(z.number()),
});
export type Compiled = z.infer<typeof Compiled>;

/** Nobody waits longer for a job to begin. */
const patienceMs = 60_000;

/**
 * Compiles a case in a process of its own, which leaves its graphs in the case's folder.
 * @throws Error also when that takes longer than anybody waits
 */
export async function compileCase(folder: string): Promise<Compiled> {
  const args = [...process.execArgv, join(import.meta.dirname, "compile-process.ts"), folder];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: patienceMs,
      killSignal: "SIGKILL",
    });
    return Compiled.parse(JSON.parse(stdout));
  } catch (cause) {
    const isLate = cause instanceof Error && "killed" in cause && cause.killed === true;
    if (isLate) throw new Error(`compiling took more than ${patienceMs / 1000} s`, { cause });
    throw cause;
  }
}
