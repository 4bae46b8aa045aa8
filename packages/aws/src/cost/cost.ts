import { listPrices, type Prices } from "./prices.js";

/** What a job used. */
export interface Usage {
  /** Requests by `service:Operation`, as `RequestMeter` counts them. */
  readonly requests: Readonly<Record<string, number>>;
  /** Of all functions: memory in GB times seconds of their invocations. */
  readonly lambdaGbSeconds: number;
  /** Hours of the machines that run Batch jobs. @default 0 */
  readonly batchHours?: number;
}

/** In US dollars. */
export interface Cost {
  readonly compute: number;
  readonly s3: number;
  readonly sqs: number;
  readonly invocations: number;
  readonly total: number;
}

const s3Writes: ReadonlySet<string> = new Set([
  "PutObject",
  "CopyObject",
  "ListObjectsV2",
  "CreateMultipartUpload",
  "UploadPart",
  "CompleteMultipartUpload",
]);
const free: ReadonlySet<string> = new Set(["DeleteObject", "DeleteObjects", "AbortMultipartUpload"]);

/** What that costs. Messages of Stampede are hints below 64 KB, so that a call is one request. */
export function costOf({ requests, lambdaGbSeconds, batchHours = 0 }: Usage, prices: Prices = listPrices): Cost {
  let s3 = 0;
  let sqs = 0;
  let invocations = 0;
  for (const [request, count] of Object.entries(requests)) {
    const [service = "", operation = ""] = request.split(":");
    if (service === "s3") s3 += count * priceOfS3(operation, prices);
    if (service === "sqs") sqs += count * prices.sqsRequest;
    if (service === "lambda") invocations += count * prices.lambdaRequest;
  }
  const compute = lambdaGbSeconds * prices.lambdaGbSecond + batchHours * prices.batchHour;
  return { compute, s3, sqs, invocations, total: compute + s3 + sqs + invocations };
}

function priceOfS3(operation: string, { s3Read, s3Write }: Prices): number {
  if (free.has(operation)) return 0;
  return s3Writes.has(operation) ? s3Write : s3Read;
}
