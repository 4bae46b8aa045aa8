import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  PutFunctionEventInvokeConfigCommand,
  waitUntilFunctionActiveV2,
  type LambdaClient,
} from "@aws-sdk/client-lambda";
import { zipWithRuntime } from "../../../infra/emulated/zip.js";

export interface FixtureFunction {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
  /** The ARN of the queue that hears of invocations that failed. */
  readonly failuresTo: string;
}

/** Creates a function of `test/emulated/fixtures/executor.js`, without retries, and waits until it can be invoked. */
export async function createFixtureFunction(client: LambdaClient, options: FixtureFunction): Promise<void> {
  const { name, timeoutSeconds, variables, failuresTo } = options;
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: "arn:aws:iam::000000000000:role/any",
      Runtime: "provided.al2023",
      Handler: "index.handler",
      Code: { ZipFile: await zipped() },
      Timeout: timeoutSeconds,
      Environment: { Variables: { ...variables, NODE_BIN: process.execPath } },
    }),
  );
  await waitUntilFunctionActiveV2({ client, maxWaitTime: 60, minDelay: 0.2 }, { FunctionName: name });
  await client.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: name,
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: failuresTo } },
    }),
  );
}

export async function deleteFunction(client: LambdaClient, name: string): Promise<void> {
  await client.send(new DeleteFunctionCommand({ FunctionName: name }));
}

async function zipped(): Promise<Uint8Array> {
  return zipWithRuntime({
    "package.json": Buffer.from(`{"type":"module"}`),
    "index.js": await readFile(join(import.meta.dirname, "../fixtures/executor.js")),
  });
}
