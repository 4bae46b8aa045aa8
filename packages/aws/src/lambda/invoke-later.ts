import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { serviceError } from "../service-error.js";

export interface InvokedFunction {
  readonly client: LambdaClient;
  /** Name or ARN. It must be configured with no retries of asynchronous invocations and a queue for those that failed. */
  readonly functionName: string;
}

/**
 * Has Lambda invoke a function asynchronously. Resolves when Lambda has taken it over.
 * @param payload JSON, 1 MB at most
 * @throws StampedeError `store.unavailable`, `store.forbidden`
 */
export async function invokeLater({ client, functionName }: InvokedFunction, payload: string): Promise<void> {
  const command = new InvokeCommand({
    FunctionName: functionName,
    InvocationType: "Event",
    Payload: Buffer.from(payload),
  });
  try {
    await client.send(command);
  } catch (error) {
    throw serviceError(error, "lambda:InvokeFunction", `the function ${functionName}`);
  }
}
