import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { startHttpServer } from "../../support/http-server.js";

const run = promisify(execFile);

interface Run {
  /** The unpacked bundle. */
  readonly folder: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly event: unknown;
}

/** What Lambda does with a bundle: loads its handler in a process that has only the deployed variables, and gives it an event. */
export async function invokeBundle({ folder, variables, event }: Run): Promise<unknown> {
  const script = `
    const { handler } = await import("./index.js");
    const answer = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60_000 });
    process.stdout.write("\\nanswer: " + JSON.stringify(answer ?? null));`;
  const env = {
    ...variables,
    PATH: process.env["PATH"],
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder, env });
  return JSON.parse(stdout.slice(stdout.lastIndexOf("answer: ") + "answer: ".length));
}

/** An S3 in which there is nothing, and what was asked of it. */
export interface EmptyBucket {
  readonly url: string;
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export async function startEmptyBucket(): Promise<EmptyBucket> {
  const asked: string[] = [];
  const server = await startHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.setHeader("content-type", "application/xml");
    response.end("<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>0</KeyCount></ListBucketResult>");
  });
  return { ...server, asked };
}
