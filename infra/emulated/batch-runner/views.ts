import { randomUUID } from "node:crypto";
import type { Definition, Queue } from "./catalogue.js";
import type { Job } from "./job.js";

/** A job as DescribeJobs, and the events, tell of it. */
export function detailOf(job: Job): Readonly<Record<string, unknown>> {
  const { definition, request, attempts } = job;
  const last = attempts.at(-1);
  return {
    jobArn: job.arn,
    jobName: request.jobName,
    jobId: job.id,
    jobQueue: job.queue.arn,
    status: job.state,
    attempts,
    statusReason: job.statusReason,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    stoppedAt: job.stoppedAt,
    retryStrategy: { attempts: job.maxAttempts, evaluateOnExit: [] },
    dependsOn: [],
    jobDefinition: definition.arn,
    parameters: {},
    container: {
      image: definition.containerProperties.image,
      command: job.command,
      environment: Object.entries(job.environment).map(([name, value]) => ({ name, value })),
      resourceRequirements: [{ type: "MEMORY", value: String(job.memoryMb()) }],
      volumes: [],
      mountPoints: [],
      ulimits: [],
      secrets: [],
      exitCode: last?.container.exitCode,
      reason: last?.container.reason,
      logStreamName: last?.container.logStreamName,
      taskArn: last?.container.taskArn,
    },
    ...(job.timeoutSeconds !== undefined && { timeout: { attemptDurationSeconds: job.timeoutSeconds } }),
    tags: request.tags ?? {},
    propagateTags: request.propagateTags ?? false,
    platformCapabilities: [],
  };
}

/** A job as ListJobs tells of it. */
export function summaryOf(job: Job): Readonly<Record<string, unknown>> {
  const { exitCode, reason } = job.attempts.at(-1)?.container ?? {};
  return {
    jobArn: job.arn,
    jobId: job.id,
    jobName: job.request.jobName,
    createdAt: job.createdAt,
    status: job.state,
    statusReason: job.statusReason,
    startedAt: job.startedAt,
    stoppedAt: job.stoppedAt,
    container: { exitCode, reason },
    jobDefinition: job.definition.arn,
  };
}

export function queueViewOf({ name, arn }: Queue): Readonly<Record<string, unknown>> {
  return {
    jobQueueName: name,
    jobQueueArn: arn,
    state: "ENABLED",
    status: "VALID",
    statusReason: "JobQueue Healthy",
    priority: 1,
    computeEnvironmentOrder: [],
    tags: {},
  };
}

export function definitionViewOf(definition: Definition): Readonly<Record<string, unknown>> {
  const { jobDefinitionName, arn, revision, type, containerProperties, retryStrategy, timeout } = definition;
  return {
    jobDefinitionName,
    jobDefinitionArn: arn,
    revision,
    status: "ACTIVE",
    type,
    containerProperties,
    retryStrategy,
    timeout,
    tags: {},
  };
}

/** What EventBridge delivers: https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html */
export interface BatchEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": "Batch Job State Change";
  readonly source: "aws.batch";
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  /** As of DescribeJobs at the time of the change. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export function eventOf(job: Job, nowMs: number): BatchEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": "Batch Job State Change",
    source: "aws.batch",
    account: "000000000000",
    time: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
    region: "us-east-1",
    resources: [job.arn],
    // A copy: the job goes on.
    detail: structuredClone(detailOf(job)),
  };
}
