import { namesOf } from "../names.js";
import type { Arns } from "../policy.js";
import { byFunction, byQueue } from "../resources.js";

/** What the emulated deployment is called, in the account that emulators have. */
export const region = "us-east-1";
export const account = "000000000000";
export const prefix = "stampede-local";
export const names = namesOf(prefix);
export const bucket = `${prefix}-jobs`;

interface Emulated {
  readonly batch?: { readonly queue: string; readonly definition: string };
  /** Buckets of the users' data. @default all: everybody who tries something here has some */
  readonly dataBuckets?: readonly string[];
}

/** What the policies of the emulated deployment speak of. */
export function emulatedArns({ batch, dataBuckets = ["*"] }: Emulated): Arns {
  return {
    bucket: `arn:aws:s3:::${bucket}`,
    queues: byQueue((name) => arn("sqs", names.queue(name))),
    userData: dataBuckets.map((name) => `arn:aws:s3:::${name}`),
    functions: byFunction((name) => arn("lambda", `function:${names.function(name)}`)),
    logGroups: byFunction((name) => arn("logs", `log-group:${names.logGroup(name)}`)),
    batch: batch && {
      queue: arn("batch", `job-queue/${batch.queue}`),
      definition: arn("batch", `job-definition/${batch.definition}`),
    },
  };
}

function arn(service: string, resource: string): string {
  return `arn:aws:${service}:${region}:${account}:${resource}`;
}
