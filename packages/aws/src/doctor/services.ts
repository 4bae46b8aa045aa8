import { DescribeJobQueuesCommand, type BatchClient } from "@aws-sdk/client-batch";
import { ListFunctionsCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { isRefusal, isServiceError, statusOf } from "./asker.js";
import { describe, type EndpointCheck } from "./check.js";

/** Whether there is anything at all; what it does only a job shows. Whoever submits jobs needs no permission for either. */
export async function checkServices(lambda: LambdaClient, batch: BatchClient): Promise<EndpointCheck[]> {
  return [
    await answers("Lambda", () => lambda.send(new ListFunctionsCommand({ MaxItems: 1 })), {
      status: "missing",
      remedy: "drivers and executors are Lambda functions: use an endpoint that has Lambda",
    }),
    await answers("Batch", () => batch.send(new DescribeJobQueuesCommand({ maxResults: 1 })), {
      status: "warning",
      remedy: "only jobs with training.batchExecutors need it",
    }),
  ];
}

async function answers(
  check: string,
  ask: () => Promise<unknown>,
  without: { readonly status: "warning" | "missing"; readonly remedy: string },
): Promise<EndpointCheck> {
  try {
    await ask();
    return { check, status: "ok", found: "answers" };
  } catch (error) {
    if (isRefusal(error)) {
      return { check, status: "ok", found: "answers (these credentials may not ask it, and need not)" };
    }
    const found = isServiceError(error) && statusOf(error) !== undefined ? `status ${statusOf(error)}: ` : "";
    return { check, ...without, found: `does not answer as ${check} does: ${found}${describe(error)}` };
  }
}
