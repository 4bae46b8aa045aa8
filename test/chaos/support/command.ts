import { execFileSync } from "node:child_process";

/** Runs a command of the system, and says whether it is there and ends well. */
export function succeeds(command: string, words: readonly string[]): boolean {
  try {
    execFileSync(command, words, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
