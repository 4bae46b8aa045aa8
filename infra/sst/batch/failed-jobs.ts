import type { Queues } from "../queues.js";
import { prefix } from "../stage.js";

/** Known before it is created: the queue's policy names it. */
export const failedJobsRule = `${prefix}-failed-jobs`;

/** Of every job that failed, the driver is told by the queue `invocations`, as it is of functions. */
export function tellOfFailedJobs(jobQueue: aws.batch.JobQueue, queues: Queues): void {
  const rule = new aws.cloudwatch.EventRule("FailedJobsRule", {
    name: failedJobsRule,
    description: "Batch jobs of Stampede that ended without a word of their own",
    eventPattern: $jsonStringify({
      source: ["aws.batch"],
      "detail-type": ["Batch Job State Change"],
      detail: { status: ["FAILED"], jobQueue: [jobQueue.arn] },
    }),
  });
  new aws.cloudwatch.EventTarget("FailedJobsTarget", { rule: rule.name, arn: queues.invocations.arn });
}
