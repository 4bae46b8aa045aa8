import { policyOf, trustOf, type Arns } from "../policy.js";
import { byFunction, byQueue, type FunctionName, type FunctionTable } from "../resources.js";
import type { Batch } from "./batch/batch.js";
import type { Queues } from "./queues.js";
import { arnOf, arnOfBucket, names, pascal, settings } from "./stage.js";

export type Roles = Readonly<Record<FunctionName, aws.iam.Role>>;

interface Allowed {
  readonly bucket: sst.aws.Bucket;
  readonly queues: Queues;
  readonly batch?: Batch | undefined;
}

/**
 * A role for each function, which only Lambda takes on and which may do what the table of resources says. Not those that SST makes:
 * they trust every role of the account, and what a link allows is `s3:*` and `sqs:*`.
 */
export function createRoles(table: FunctionTable, allowed: Allowed): Roles {
  const arns = arnsOf(allowed);
  return byFunction(
    (name) =>
      new aws.iam.Role(`${pascal(name)}Role`, {
        name: names.function(name),
        assumeRolePolicy: trustOf("lambda.amazonaws.com"),
        inlinePolicies: [{ name: "access", policy: arns.apply((known) => policyOf(name, table, known)) }],
      }),
  );
}

/** What policies speak of. */
export function arnsOf({ bucket, queues, batch }: Allowed): $util.Output<Arns> {
  return $util.output({
    bucket: bucket.arn,
    queues: byQueue((name) => queues[name].arn),
    functions: byFunction((name) => arnOf("lambda", `function:${names.function(name)}`)),
    logGroups: byFunction((name) => arnOf("logs", `log-group:${names.logGroup(name)}`)),
    userData: settings.dataBuckets.map(arnOfBucket),
    batch: batch?.arns,
  });
}
