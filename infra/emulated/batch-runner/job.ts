import { randomUUID } from "node:crypto";
import type { Clock, Timers } from "@stampede/core";
import { arnOf, type Definition, type Queue } from "./catalogue.js";
import { Container, rememberedChars, type ContainerEnd } from "./container.js";
import { Refusal } from "./refusal.js";
import type { JobState, SubmitJob } from "./requests.js";
import type { Watchdog } from "./watchdog.js";

/** AWS's own words. */
const endedByItself = "Essential container in task exited";
const notStarted = "Task failed to start";
const overTime = "Job attempt duration exceeded timeout";

const defaultMemoryMb = 2048;

export interface AttemptRecord {
  readonly container: {
    readonly exitCode?: number;
    readonly reason?: string;
    readonly logStreamName: string;
    readonly taskArn: string;
  };
  readonly startedAt?: number;
  readonly stoppedAt: number;
  readonly statusReason: string;
}

export interface JobDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly watchdog: Watchdog;
  /** Is told after every change of the state. */
  readonly onChange: (job: Job) => void;
}

/** What ends an attempt from outside, and so that no other one follows. */
interface Stop {
  readonly statusReason: string;
}

/** One job: SUBMITTED, PENDING, RUNNABLE, then for each attempt STARTING and RUNNING, in the end SUCCEEDED or FAILED. */
export class Job {
  readonly id = randomUUID();
  readonly arn = arnOf("job", this.id);
  readonly queue: Queue;
  readonly definition: Definition;
  readonly request: SubmitJob;
  readonly createdAt: number;
  readonly attempts: AttemptRecord[] = [];
  readonly #deps: JobDeps;
  #state: JobState = "SUBMITTED";
  #statusReason: string | undefined;
  #startedAt: number | undefined;
  #stoppedAt: number | undefined;
  #container: Container | undefined;
  #stop: Stop | undefined;
  #log = "";

  constructor(request: SubmitJob, queue: Queue, definition: Definition, deps: JobDeps) {
    this.request = request;
    this.queue = queue;
    this.definition = definition;
    this.#deps = deps;
    this.createdAt = deps.clock.now();
    this.memoryMb(); // Refuses a wrong one before the job is taken.
  }

  get state(): JobState {
    return this.#state;
  }

  get statusReason(): string | undefined {
    return this.#statusReason;
  }

  /** When the attempt that runs, or the last one, began to run. */
  get startedAt(): number | undefined {
    return this.#startedAt;
  }

  get stoppedAt(): number | undefined {
    return this.#stoppedAt;
  }

  get isOver(): boolean {
    return this.#state === "SUCCEEDED" || this.#state === "FAILED";
  }

  /** Everything all its attempts printed, as far as it is kept. */
  get log(): string {
    return this.#log + (this.#container?.log ?? "");
  }

  get maxAttempts(): number {
    return (this.request.retryStrategy ?? this.definition.retryStrategy).attempts;
  }

  get timeoutSeconds(): number | undefined {
    return (this.request.timeout ?? this.definition.timeout)?.attemptDurationSeconds;
  }

  get command(): readonly string[] {
    return this.request.containerOverrides?.command ?? this.definition.containerProperties.command;
  }

  /** The definition's, and over it the job's own. */
  get environment(): Readonly<Record<string, string>> {
    const both = [
      ...this.definition.containerProperties.environment,
      ...(this.request.containerOverrides?.environment ?? []),
    ];
    return Object.fromEntries(both.map(({ name, value }) => [name, value]));
  }

  /** In MiB. @throws Refusal when it is no whole number */
  memoryMb(): number {
    const { containerProperties } = this.definition;
    const all = [
      ...containerProperties.resourceRequirements,
      ...(this.request.containerOverrides?.resourceRequirements ?? []),
    ];
    const memoryMb = Number(all.findLast(({ type }) => type === "MEMORY")?.value ?? defaultMemoryMb);
    if (Number.isInteger(memoryMb) && memoryMb >= 4) return memoryMb;
    throw new Refusal("Error executing request, Exception : MEMORY must be a whole number of MiB, 4 at least.");
  }

  logStreamName(attempt: number): string {
    return `${this.definition.jobDefinitionName}/default/${this.id}-${attempt}`;
  }

  /** Makes it ready to run. */
  enqueue(): void {
    for (const state of ["SUBMITTED", "PENDING", "RUNNABLE"] as const) this.#enter(state);
  }

  /** Runs one attempt. Afterwards the job is over, or RUNNABLE again. */
  async attempt(): Promise<void> {
    this.#startedAt = undefined;
    this.#enter("STARTING");
    const number = this.attempts.length + 1;
    const own = {
      AWS_BATCH_JOB_ID: this.id,
      AWS_BATCH_JOB_ATTEMPT: String(number),
      AWS_BATCH_JQ_NAME: this.queue.name,
    };
    const environment = { ...this.environment, ...own };
    const { clock, timers, watchdog } = this.#deps;
    const container = new Container({ command: this.command, environment, memoryMb: this.memoryMb(), watchdog });
    this.#container = container;
    let cancelTimer = (): void => undefined;
    if (await container.started) {
      this.#startedAt = clock.now();
      // Armed before anybody hears that it runs.
      if (this.timeoutSeconds !== undefined) {
        cancelTimer = timers.after(this.timeoutSeconds * 1000, () => this.#stopAttempt({ statusReason: overTime }));
      }
      this.#enter("RUNNING");
    }
    const end = await container.ended;
    cancelTimer();
    this.#settle(end, number);
  }

  /** Before it runs it fails with this reason; once it starts nothing happens. */
  cancel(reason: string): void {
    if (this.#state === "RUNNABLE") this.#finish("FAILED", reason);
  }

  /** Ends it whatever it does. */
  terminate(reason: string): void {
    if (this.#state === "RUNNABLE") this.#finish("FAILED", reason);
    else if (!this.isOver) this.#stopAttempt({ statusReason: reason });
  }

  #stopAttempt(stop: Stop): void {
    this.#stop ??= stop;
    this.#container?.kill();
  }

  #settle({ exitCode, reason }: ContainerEnd, number: number): void {
    this.#log = this.log.slice(-rememberedChars);
    this.#container = undefined;
    const statusReason = this.#stop?.statusReason ?? (exitCode === undefined ? notStarted : endedByItself);
    const stoppedAt = this.#deps.clock.now();
    this.attempts.push({
      container: {
        ...(exitCode !== undefined && { exitCode }),
        ...(reason !== undefined && { reason }),
        logStreamName: this.logStreamName(number),
        taskArn: `${this.arn}/${number}`,
      },
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      stoppedAt,
      statusReason,
    });
    if (exitCode === 0 && this.#stop === undefined) this.#finish("SUCCEEDED", statusReason);
    else if (this.#stop === undefined && number < this.maxAttempts) this.#enter("RUNNABLE");
    else this.#finish("FAILED", statusReason);
  }

  #finish(state: "SUCCEEDED" | "FAILED", statusReason: string): void {
    this.#statusReason = statusReason;
    this.#stoppedAt = this.#deps.clock.now();
    this.#enter(state);
  }

  #enter(state: JobState): void {
    this.#state = state;
    this.#deps.onChange(this);
  }
}
