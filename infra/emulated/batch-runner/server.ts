import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Refusal } from "./refusal.js";

const maxBodyBytes = 1_048_576;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves `POST /v1/<operation>` with JSON bodies and AWS's errors, on the loopback interface. */
export async function serve(operations: ReadonlyMap<string, (body: string) => unknown>): Promise<HttpServer> {
  const server = createServer((request, response) => void answer(operations, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Expected a TCP port of 127.0.0.1, found none.");
  return { port: address.port, close: () => close(server) };
}

async function answer(
  operations: ReadonlyMap<string, (body: string) => unknown>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // A job is a command that runs here: what a web page makes a browser send carries no such header.
    if (request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ") !== true) {
      return tell(response, 403, { message: "Missing Authentication Token" }, "MissingAuthenticationTokenException");
    }
    const operation = operations.get(/^\/v1\/([a-z]+)$/.exec(request.url ?? "")?.[1] ?? "");
    if (operation === undefined || request.method !== "POST") {
      const message = `The local Batch runner knows ${[...operations.keys()].join(", ")}.`;
      return tell(response, 404, { message }, "UnknownOperationException");
    }
    const result = operation(await bodyOf(request));
    tell(response, 200, result);
  } catch (error) {
    if (error instanceof Refusal) tell(response, 400, { message: error.message }, error.name);
    else tell(response, 500, { message: String(error) }, "ServerException");
  }
}

function tell(response: ServerResponse, status: number, body: unknown, errorType?: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(errorType !== undefined && { "x-amzn-errortype": errorType }),
  });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Refusal(`Expected a request of at most ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
