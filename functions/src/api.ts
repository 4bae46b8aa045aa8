import { buildApi, type ApiDeps } from "@stampede/api";
import { S3ObjectStore, S3Presigner, s3Client, SqsQueue, sqsClient } from "@stampede/aws";
import type { Handler } from "aws-lambda";
import { streamHandle } from "hono/aws-lambda";
import * as z from "zod";
import { accessLog } from "./log.js";
import { requests } from "./meter.js";
import { clock, unique } from "./system.js";

const Text = z.string().min(1).max(2048);

/** What the API is deployed with; it needs less than the other functions. */
const Environment = z.object({
  STAMPEDE_BUCKET: Text,
  STAMPEDE_DRIVER_QUEUE_URL: Text,
  /** Buckets that jobs may read data from, with commas between them. */
  STAMPEDE_DATA_BUCKETS: z
    .string()
    .max(10_000)
    .default("")
    .transform((names) => names.split(",").filter((name) => name !== "")),
  /** MiB, of one executor. */
  STAMPEDE_EXECUTOR_MEMORY_MB: z.coerce.number().int().min(128).default(3008),
  /** So long events are streamed; their readers come back. Less than the function may take. */
  STAMPEDE_STREAM_SECONDS: z.coerce.number().min(1).max(890).default(840),
});

/** Lambda gives a function one processor for so many MiB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const memoryMbPerCore = 1769;
const { app } = buildApi(connect());

/** The HTTP API behind a function URL, whose answers are streamed. */
// oxlint-disable-next-line typescript/no-deprecated -- the package that is to take its place is not published yet
export const handler: Handler = streamHandle(app);

function connect(): ApiDeps {
  const settings = Environment.parse(process.env);
  const client = s3Client({ meter: requests });
  const bucket = settings.STAMPEDE_BUCKET;
  const memoryMb = settings.STAMPEDE_EXECUTOR_MEMORY_MB;
  const cores = Math.max(1, Math.floor(memoryMb / memoryMbPerCore));
  return {
    store: new S3ObjectStore({ client, bucket }),
    queues: {
      driver: new SqsQueue({ client: sqsClient({ meter: requests }), queueUrl: settings.STAMPEDE_DRIVER_QUEUE_URL }),
    },
    clock,
    unique,
    capacity: { cores, executors: 1, memoryBytes: memoryMb * 2 ** 20, blocks: [16, 8] },
    transfer: { by: "addresses", presigner: new S3Presigner({ settings: { meter: requests }, bucket }) },
    buckets: settings.STAMPEDE_DATA_BUCKETS,
    limits: { streamMs: settings.STAMPEDE_STREAM_SECONDS * 1000 },
    // Written into the bundle when it is built.
    version: process.env["STAMPEDE_VERSION"] ?? "unknown",
    log: accessLog,
    addressOf,
  };
}

const Caller = z.object({
  event: z.object({ requestContext: z.object({ http: z.object({ sourceIp: z.string() }) }) }),
});

/** @param env what the adapter for Lambda gives the app beside the request */
function addressOf(env: unknown): string {
  const caller = Caller.safeParse(env);
  return caller.success ? caller.data.event.requestContext.http.sourceIp : "unknown";
}
