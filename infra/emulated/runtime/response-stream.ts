import { PassThrough, type Writable } from "node:stream";
import { buffer } from "node:stream/consumers";

type Handler = (event: unknown, stream: Writable, context: unknown) => Promise<unknown>;

/** Between what is said of an answer and the answer. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html */
const separator = "\0".repeat(8);

const streaming = new Map<unknown, Handler>();

/** What Lambda's own runtime gives to functions that stream their answers. */
const awslambda = {
  streamifyResponse: (handler: Handler): Handler => {
    streaming.set(handler, handler);
    return handler;
  },
  HttpResponseStream: {
    from: (stream: Writable, metadata: unknown): Writable => {
      stream.write(JSON.stringify(metadata) + separator);
      return stream;
    },
  },
};

/** Before a function is loaded. */
export function offerStreams(): void {
  Object.assign(globalThis, { awslambda });
}

/** Answers with the whole of what a function streams, and in front of it what is said of it; undefined where a function does not stream. */
export function collecting(loaded: unknown): ((event: unknown, context: unknown) => Promise<Uint8Array>) | undefined {
  const handler = streaming.get(loaded);
  if (handler === undefined) return undefined;
  return async (event, context) => {
    const stream = new PassThrough();
    const [body] = await Promise.all([buffer(stream), handler(event, stream, context)]);
    return body;
  };
}
