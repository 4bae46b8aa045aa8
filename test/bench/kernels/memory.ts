import { readFileSync } from "node:fs";
import type { Entrant } from "../steps/race.js";

/** Enough for every allocator to have what it wants. */
const steps = 48;

/**
 * Megabytes by which a process grows from the moment when its libraries are loaded until it has trained some steps: rows, model, graph
 * and everything that a step needs. The process is the participant's; it is ended. undefined where the system does not tell (Linux does).
 */
export async function growthOf({ participant, task }: Entrant): Promise<number | undefined> {
  participant.stop();
  try {
    const before = residentMegabytes(await participant.ready());
    await participant.open(task);
    const first = await participant.run(1);
    // A slow one reaches its size in fewer.
    await participant.run(first > slowMs ? 4 : steps, first * steps);
    const after = residentMegabytes(await participant.ready());
    return before === undefined || after === undefined ? undefined : after - before;
  } finally {
    participant.stop();
  }
}

const slowMs = 500;

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function residentMegabytes(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kibibytes === undefined ? undefined : (Number(kibibytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
