import { readdirSync, readFileSync } from "node:fs";

/** In the environment of every process that a test starts, and of those that they start: so that each is found, orphans too. */
export const markName = "STAMPEDE_CHAOS_MARK";

/** A process, told apart from a later one with the same number by its time of birth. */
export interface Living {
  readonly pid: number;
  readonly parent: number;
  readonly bornAt: string;
  readonly isStopped: boolean;
  /** Whether it is an executor's process, or else a command. */
  readonly isExecutor: boolean;
}

/** The living processes that carry a mark which begins so. Dead ones that nobody has buried yet are not alive. */
export function livingWith(mark: string): readonly Living[] {
  const entry = `${markName}=${mark}`;
  const isMarked = (environment: string): boolean => environment.split("\0").some((each) => each.startsWith(entry));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => isMarked(readOrNothing(`/proc/${name}/environ`)))
    .flatMap((name) => living(Number(name)) ?? []);
}

/** Sends a signal to a process if it is alive, and says whether it was. */
export function signalTo({ pid, bornAt }: Pick<Living, "pid" | "bornAt">, signal: NodeJS.Signals): boolean {
  if (living(pid)?.bornAt !== bornAt) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    // It has gone between the two lines.
    return false;
  }
}

export function isAlive({ pid, bornAt }: Pick<Living, "pid" | "bornAt">): boolean {
  return living(pid)?.bornAt === bornAt;
}

function living(pid: number): Living | undefined {
  // "pid (name) state ppid ...": the name may hold anything, so the rest is counted from its last bracket.
  const stat = readOrNothing(`/proc/${pid}/stat`);
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const bornAt = rest[17];
  if (state === undefined || bornAt === undefined || "ZX".includes(state)) return undefined;
  const isExecutor = readOrNothing(`/proc/${pid}/cmdline`).includes("process-host");
  return { pid, parent: Number(parent), bornAt, isStopped: state === "T", isExecutor };
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
