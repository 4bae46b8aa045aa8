import { buildApi, type ApiDeps } from "@stampede/api";
import { S3ObjectStore, S3Presigner, s3Client, SqsQueue, sqsClient } from "@stampede/aws";
import type { Handler } from "aws-lambda";
import { handle, streamHandle } from "hono/aws-lambda";
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
  STAMPEDE_VERSION: Text.default("unknown"),
});

/** Lambda gives a function one processor for so many MiB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const memoryMbPerCore = 1769;
/** Streams end before a function does (15 minutes), and their readers come back. */
const streamMs = 840_000;
/** Where answers are sent whole, whoever follows a job asks again and again. */
const wholeMs = 3000;

/** The SDK defines `awslambda` too, without this. */
const canStream = typeof Reflect.get(Object(Reflect.get(globalThis, "awslambda")), "streamifyResponse") === "function";

const { app } = buildApi(connect());

/** The HTTP API behind a function URL or an HTTP API of API Gateway. */
// oxlint-disable-next-line typescript/no-deprecated -- the package that is to take its place is not published yet
export const handler: Handler = canStream ? streamHandle(app) : handle(app);

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
    limits: { streamMs: canStream ? streamMs : wholeMs },
    version: settings.STAMPEDE_VERSION,
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
