/** A signal to a process at one of its own commits, see `fixtures/faults.js`. */
export interface Fault {
  /** The command's main thread, a thread of it, or the process of an executor. */
  readonly in: "command" | "thread" | "process";
  readonly when: "before" | "after";
  /** A regular expression of the object's path. */
  readonly path: string;
  /** Which of the commits that fit, counted in each thread; 0 for every one. */
  readonly nth: number;
  readonly signal: "SIGKILL" | "SIGSTOP";
  /** A file by whose creation one thread or process among all is chosen. */
  readonly once?: string;
}

/** Options of a run with these faults. */
export function withFaults(...faults: readonly Fault[]): {
  readonly preload: readonly ["faults"];
  readonly env: Readonly<Record<string, string>>;
} {
  return { preload: ["faults"], env: { STAMPEDE_CHAOS_FAULTS: JSON.stringify(faults) } };
}
