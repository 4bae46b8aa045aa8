import { appendFileSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { JobEvent, StampedeError, type JobId } from "@stampede/core";

/** The events of each job as lines of JSON, for people and for `jobs watch` in another process. Nothing depends on them. */
export class JobLog {
  readonly #folder: string;
  #ready = false;

  constructor(home: string) {
    this.#folder = join(home, "logs");
  }

  /** Never fails: a job must not end because its log cannot be written. */
  append(event: JobEvent): void {
    if (event.job === undefined) return;
    try {
      if (!this.#ready) mkdirSync(this.#folder, { recursive: true });
      this.#ready = true;
      // One write of a whole line, so that the lines of several processes do not mix.
      appendFileSync(join(this.#folder, `${event.job}.jsonl`), `${JSON.stringify(event)}\n`);
    } catch {
      this.#ready = false;
    }
  }

  /** Every whole line; the last may be half-written by a process that was killed, and is left out. */
  async read(job: JobId): Promise<readonly JobEvent[]> {
    const path = join(this.#folder, `${job}.jsonl`);
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
      throw new StampedeError("store.unavailable", `Expected to read the log ${path}; it cannot be read.`, { cause });
    });
    return text.split("\n").flatMap((line) => {
      const parsed = JobEvent.safeParse(jsonOrUndefined(line));
      return parsed.success ? [parsed.data] : [];
    });
  }
}

function jsonOrUndefined(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
