import type { Clock, Timers } from "@stampede/core";
import { Catalogue, type QueueSettings } from "./catalogue.js";
import { operationsOn } from "./operations.js";
import type { RegisterJobDefinition } from "./requests.js";
import { Scheduler } from "./scheduler.js";
import { serve } from "./server.js";
import { eventOf, type BatchEvent } from "./views.js";
import { Watchdog } from "./watchdog.js";

/**
 * AWS Batch on this machine, for the SDK's `BatchClient`: no emulator that runs without a container engine runs its jobs.
 *
 * Speaks SubmitJob, DescribeJobs, ListJobs, CancelJob, TerminateJob, RegisterJobDefinition, DescribeJobDefinitions and
 * DescribeJobQueues. A job goes SUBMITTED, PENDING, RUNNABLE (where it waits for its turn), STARTING, RUNNING, then SUCCEEDED or
 * FAILED; it has AWS's attempts, exit codes, reasons, timeouts of each attempt and limits, and every change of its state is told as
 * EventBridge tells it. A container is a process group with the environment that the job gives it, and an empty folder.
 *
 * Otherwise than on AWS: the image is not looked at, the command runs as it stands; an attempt over its time is killed at once,
 * without a SIGTERM 30 s before; the memory limit holds for the first process of a container, and only on Linux; a process that
 * leaves its group outlives its container; there are no array jobs, dependencies or `evaluateOnExit`, and a request that wants
 * them is refused.
 */
export interface BatchRunnerOptions {
  readonly queues: readonly QueueSettings[];
  /** Besides those that `define` and RegisterJobDefinition make. */
  readonly definitions?: readonly JobDefinitionSettings[];
  readonly onEvent?: EventTarget;
  /** What a target of events throws. @default a warning of this process */
  readonly onProblem?: (error: unknown) => void;
  /** By which attempts time out. @default the system's */
  readonly clock?: Clock;
  readonly timers?: Timers;
}

/** Is told every change of a job's state, one after the other. */
export type EventTarget = (event: BatchEvent) => void | Promise<void>;

interface JobDefinitionSettings {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** @default 2048 */
  readonly memoryMb?: number;
}

export interface BatchRunner {
  /** For the client's `endpoint`, or AWS_ENDPOINT_URL_BATCH. */
  readonly endpoint: string;
  /** Makes the first or next revision of a job definition. */
  define(definition: JobDefinitionSettings): void;
  /** Adds a target of events, as a rule in EventBridge does. */
  subscribe(target: EventTarget): void;
  /** What a job printed, all attempts one after the other; the empty text when there is no such job. */
  log(jobId: string): string;
  /** Kills all jobs and ends; nothing is told of that. */
  stop(): Promise<void>;
}

const systemClock: Clock = { now: () => Date.now() };
const systemTimers: Timers = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, Math.max(1, delayMs));
    return () => clearTimeout(timer);
  },
};

export async function startBatchRunner(options: BatchRunnerOptions): Promise<BatchRunner> {
  const { queues, definitions = [], clock = systemClock, timers = systemTimers } = options;
  const catalogue = new Catalogue(queues);
  for (const definition of definitions) catalogue.register(registrationOf(definition));
  const watchdog = new Watchdog();
  const events = new Events(options.onProblem);
  if (options.onEvent !== undefined) events.add(options.onEvent);
  const scheduler = new Scheduler(catalogue, {
    clock,
    timers,
    watchdog,
    onChange: (job) => events.tell(eventOf(job, clock.now())),
  });
  const server = await serve(operationsOn(catalogue, scheduler));
  const stop = async (): Promise<void> => {
    await server.close();
    const told = events.close();
    await scheduler.close();
    watchdog.close();
    await told;
  };
  let stopped: Promise<void> | undefined;
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    define: (definition) => void catalogue.register(registrationOf(definition)),
    subscribe: (target) => events.add(target),
    log: (jobId) => scheduler.find(jobId)?.log ?? "",
    stop: () => (stopped ??= stop()),
  };
}

/** Tells one event after the other. */
class Events {
  readonly #targets: EventTarget[] = [];
  readonly #onProblem: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(onProblem: (error: unknown) => void = warn) {
    this.#onProblem = onProblem;
  }

  add(target: EventTarget): void {
    this.#targets.push(target);
  }

  tell(event: BatchEvent): void {
    if (this.#closed) return;
    for (const target of this.#targets) {
      this.#last = this.#last.then(() => target(event)).catch(this.#onProblem);
    }
  }

  /** Tells what has happened until now, and nothing any more. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#last;
  }
}

function warn(error: unknown): void {
  process.emitWarning(`The Batch runner could not tell of a job: ${String(error)}`);
}

function registrationOf({ name, command, environment = {}, memoryMb }: JobDefinitionSettings): RegisterJobDefinition {
  return {
    jobDefinitionName: name,
    type: "container",
    containerProperties: {
      image: name,
      command: [...command],
      environment: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
      resourceRequirements: memoryMb === undefined ? [] : [{ type: "MEMORY", value: String(memoryMb) }],
    },
    retryStrategy: { attempts: 1 },
  };
}
