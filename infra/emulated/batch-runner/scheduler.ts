import type { Catalogue, Queue } from "./catalogue.js";
import { Job, type JobDeps } from "./job.js";
import { Refusal } from "./refusal.js";
import type { JobState, ListJobs, SubmitJob } from "./requests.js";

/** Jobs that are over are remembered up to this number; AWS keeps them for seven days. */
const rememberedJobs = 1_000;

/** Starts the jobs of each queue in the order in which they came, as many at a time as the queue allows. */
export class Scheduler {
  readonly #catalogue: Catalogue;
  readonly #deps: JobDeps;
  /** In the order in which they came. */
  readonly #jobs = new Map<string, Job>();
  /** Attempts under way. */
  readonly #attempts = new Map<Job, Promise<void>>();
  #closed = false;

  constructor(catalogue: Catalogue, deps: JobDeps) {
    this.#catalogue = catalogue;
    this.#deps = deps;
  }

  /** @throws Refusal */
  submit(request: SubmitJob): Job {
    const queue = this.#catalogue.queue(request.jobQueue);
    const job = new Job(request, queue, this.#catalogue.definition(request.jobDefinition), this.#deps);
    this.#forgetOldest();
    this.#jobs.set(job.id, job);
    job.enqueue();
    this.#startWaiting(queue);
    return job;
  }

  find(id: string): Job | undefined {
    return this.#jobs.get(id) ?? [...this.#jobs.values()].find(({ arn }) => arn === id);
  }

  /** @throws Refusal when there is no such job */
  job(id: string): Job {
    const job = this.find(id);
    if (job === undefined) throw new Refusal(`Error executing request, Exception : Job ${id} not found.`);
    return job;
  }

  /** The newest first. @throws Refusal when there is no such queue */
  list({ jobQueue, jobStatus }: ListJobs): readonly Job[] {
    const queue = this.#catalogue.queue(jobQueue);
    return this.#of(queue, jobStatus).toReversed();
  }

  /** Kills what runs and starts nothing any more; resolves when nothing is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.values()) job.terminate("The Batch runner was stopped");
    await Promise.all(this.#attempts.values());
  }

  #startWaiting(queue: Queue): void {
    let running = [...this.#attempts.keys()].filter((job) => job.queue === queue).length;
    for (const job of this.#of(queue, "RUNNABLE")) {
      if (this.#closed || running >= queue.maxRunning) return;
      running += 1;
      const attempt = job.attempt().finally(() => {
        this.#attempts.delete(job);
        this.#startWaiting(queue);
      });
      this.#attempts.set(job, attempt);
    }
  }

  #of(queue: Queue, state: JobState): readonly Job[] {
    return [...this.#jobs.values()].filter((job) => job.queue === queue && job.state === state);
  }

  #forgetOldest(): void {
    if (this.#jobs.size < rememberedJobs) return;
    const oldest = [...this.#jobs.values()].find(({ isOver }) => isOver);
    if (oldest !== undefined) this.#jobs.delete(oldest.id);
  }
}
