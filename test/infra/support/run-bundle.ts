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

const context = "{ getRemainingTimeInMillis: () => 60_000 }";

/** What Lambda does with a bundle: loads its handler in a process that has only the deployed variables, and gives it an event. */
export function invokeBundle(given: Run): Promise<unknown> {
  const call = `handler(${JSON.stringify(given.event)}, ${context})`;
  return runScript(given, `const { handler } = await import("./index.js"); const answer = await ${call};`);
}

/** The same where the function streams its answer: what is said of it, and its body. */
export async function askBundle(given: Run): Promise<{ readonly metadata: unknown; readonly body: string }> {
  const script = `
    const { PassThrough } = await import("node:stream");
    let metadata;
    globalThis.awslambda = {
      streamifyResponse: (handler) => handler,
      HttpResponseStream: { from: (stream, said) => { metadata = said; return stream; } },
    };
    const { handler } = await import("./index.js");
    const stream = new PassThrough();
    const [chunks] = await Promise.all([stream.toArray(), handler(${JSON.stringify(given.event)}, stream, ${context})]);
    const answer = { metadata, body: Buffer.concat(chunks).toString() };`;
  return (await runScript(given, script)) as { readonly metadata: unknown; readonly body: string };
}

/**
 * A failure is told by its stack, as Lambda does: Node.js itself would print the line that threw, which is the whole of a minified bundle.
 *
 * @param begin makes `answer`
 */
async function runScript({ folder, variables }: Run, begin: string): Promise<unknown> {
  const script = `
    process.on("uncaughtException", (error) => { console.error(error.stack); process.exit(1); });
    ${begin}
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
