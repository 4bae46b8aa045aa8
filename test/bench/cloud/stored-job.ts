import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { JobEvent, TaskMessage, type JobId } from "@stampede/core";
import { credentials } from "../../../infra/emulated/deploy.js";
import { startMiniStack } from "../../../infra/emulated/ministack.js";
import { repository } from "../report.js";
import { writeSmallMnist } from "./small-mnist.js";

/** A job on an emulated S3 that nobody works on. */
export interface StoredJob {
  /** What an executor is deployed with. */
  readonly variables: Readonly<Record<string, string>>;
  /** The first attempt of each task of the first round, as an executor is invoked with it. */
  readonly tasks: readonly TaskMessage[];
  stop(): Promise<void>;
}

const region = "us-east-1";
const bucket = "stampede-bench";
const patienceMs = 900_000;

/** Starts MiniStack and submits the small MNIST job to it, with the real command. @param folder for the data */
export async function storeSmallMnist(folder: string, executors: number): Promise<StoredJob> {
  const ministack = await startMiniStack();
  try {
    const variables = await layGround(ministack.endpoint);
    const job = await submit(await writeSmallMnist(folder, executors), folder, variables);
    const tasks = Array.from({ length: executors }, (_, partition) => firstAttempt(job, partition));
    return { variables, tasks, stop: () => ministack.stop() };
  } catch (error) {
    await ministack.stop();
    throw error;
  }
}

async function layGround(endpoint: string): Promise<Readonly<Record<string, string>>> {
  const settings = { endpoint, region, credentials };
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const sqs = new SQSClient(settings);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const urls = await Promise.all(
    ["driver", "deltas"].map(
      async (QueueName) => (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? "",
    ),
  );
  s3.destroy();
  sqs.destroy();
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    ORT_DISABLE_TELEMETRY: "1",
    STAMPEDE_BUCKET: bucket,
    STAMPEDE_DRIVER_QUEUE_URL: urls[0] ?? "",
    STAMPEDE_DELTAS_QUEUE_URL: urls[1] ?? "",
    STAMPEDE_EXECUTOR_FUNCTION: "none",
    STAMPEDE_SHARDER_FUNCTION: "none",
    STAMPEDE_PARAMETER_SERVER_FUNCTION: "none",
    // What it has in the table of resources.
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "3008",
  };
}

/** Nobody would end it: once the job is stored it is ended here. */
async function submit(jobFile: string, folder: string, variables: Readonly<Record<string, string>>): Promise<JobId> {
  const command = join(repository, "packages/cli/bin/stampede.js");
  const child = spawn(process.execPath, [command, "train", jobFile, "--cluster", "aws", "--json"], {
    cwd: folder,
    env: { ...process.env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const words: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => words.push(text));
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JobEvent.parse(JSON.parse(line));
      if (event.event === "job.submitted") return event.job;
    }
  } finally {
    child.kill("SIGKILL");
  }
  throw new Error(`Expected stampede train to submit the job; it ended with:\n${words.join("")}`);
}

function firstAttempt(job: JobId, partition: number): TaskMessage {
  const startedAt = Date.now();
  return TaskMessage.parse({
    version: 1,
    job,
    stage: { kind: "train", round: 1 },
    partition,
    attempt: 1,
    attemptId: "a1",
    startedAt,
    deadlineAt: startedAt + patienceMs,
  });
}
