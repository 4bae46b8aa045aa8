import { SubmitJobCommand, type BatchClient } from "@aws-sdk/client-batch";
import { encodeMessage, TaskMessage, type Clock, type Executors } from "@stampede/core";
import { serviceError } from "../service-error.js";
import { taskVariable } from "./task-variable.js";

/** The shortest that Batch takes. */
const minTimeoutSeconds = 60;

export interface BatchExecutorsOptions {
  readonly client: BatchClient;
  /** Name or ARN. */
  readonly jobQueue: string;
  /** Name, `name:revision` or ARN. Its container runs the task that it finds in STAMPEDE_TASK. */
  readonly jobDefinition: string;
  readonly clock: Clock;
}

/**
 * Executors as jobs of AWS Batch. An attempt is stopped at its deadline, or 60 s after it began to run where that is later: no
 * timeout may be shorter, and the time that a job waits for a machine does not count. The container begins no work that would
 * outlive the deadline.
 */
export class BatchExecutors implements Executors {
  readonly #options: BatchExecutorsOptions;

  constructor(options: BatchExecutorsOptions) {
    this.#options = options;
  }

  async start(task: TaskMessage): Promise<void> {
    const { client, jobQueue, jobDefinition, clock } = this.#options;
    const remainingSeconds = Math.ceil((task.deadlineAt - clock.now()) / 1000);
    const command = new SubmitJobCommand({
      jobName: nameOf(task),
      jobQueue,
      jobDefinition,
      containerOverrides: { environment: [{ name: taskVariable, value: encodeMessage(TaskMessage, task) }] },
      // The driver decides what is tried again.
      retryStrategy: { attempts: 1 },
      timeout: { attemptDurationSeconds: Math.max(minTimeoutSeconds, remainingSeconds) },
    });
    try {
      await client.send(command);
    } catch (error) {
      throw serviceError(error, "batch:SubmitJob", `the Batch queue ${jobQueue}`);
    }
  }
}

/** For people: 128 characters at most, and ids consist of what a name may consist of. */
function nameOf({ job, stage, partition, attempt }: TaskMessage): string {
  return `${job}-${stage.kind}-${stage.round}-${partition}-${attempt}`;
}
