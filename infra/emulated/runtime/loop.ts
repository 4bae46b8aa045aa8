import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { collecting, offerStreams } from "./response-stream.js";

/**
 * Lambda's Node.js runtime in short: fetches one event after the other from the Runtime API, calls the handler and posts what it
 * answers or throws. What `nodejs22.x` is on AWS, this file is on an emulator that runs `provided.al2023` functions.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
const api = process.env["AWS_LAMBDA_RUNTIME_API"] ?? "";
const [module = "", name = ""] = (process.env["_HANDLER"] ?? "index.handler").split(".");

/** Gives what is to be posted as the answer. */
type Handler = (event: unknown, context: unknown) => Promise<string | Uint8Array>;

interface Answer {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Without a kept connection: header and body of an answer come apart, and the second would wait for a late acknowledgement. */
function call(method: "GET" | "POST", path: string, body?: string | Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${api}/2018-06-01/runtime/${path}`, { method, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function headerOf({ headers }: Answer, header: string): string {
  const value = headers[header];
  return typeof value === "string" ? value : "";
}

function contextOf(answer: Answer): unknown {
  const deadline = Number(headerOf(answer, "lambda-runtime-deadline-ms"));
  return {
    awsRequestId: headerOf(answer, "lambda-runtime-aws-request-id"),
    invokedFunctionArn: headerOf(answer, "lambda-runtime-invoked-function-arn"),
    functionName: process.env["AWS_LAMBDA_FUNCTION_NAME"],
    functionVersion: process.env["AWS_LAMBDA_FUNCTION_VERSION"],
    memoryLimitInMB: process.env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function errorOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify({ errorType: "Error", errorMessage: String(error) });
  const { name: errorType, message: errorMessage, stack = "" } = error;
  return JSON.stringify({ errorType, errorMessage, trace: stack.split("\n") });
}

async function load(): Promise<Handler> {
  const loaded: unknown = await import(
    pathToFileURL(join(process.env["LAMBDA_TASK_ROOT"] ?? ".", `${module}.js`)).href
  );
  const found: unknown = typeof loaded === "object" && loaded !== null ? Reflect.get(loaded, name) : undefined;
  if (typeof found !== "function") throw new Error(`Expected ${module}.js to export ${name}, found ${typeof found}.`);
  return (
    collecting(found) ?? (async (...args) => JSON.stringify((await Reflect.apply(found, undefined, args)) ?? null))
  );
}

let handler: Handler;
try {
  offerStreams();
  handler = await load();
} catch (error) {
  await call("POST", "init/error", errorOf(error));
  throw error;
}
for (;;) {
  const next = await call("GET", "invocation/next");
  const id = headerOf(next, "lambda-runtime-aws-request-id");
  try {
    const event: unknown = JSON.parse(next.body);
    await call("POST", `invocation/${id}/response`, await handler(event, contextOf(next)));
  } catch (error) {
    await call("POST", `invocation/${id}/error`, errorOf(error));
  }
}
