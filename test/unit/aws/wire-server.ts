import type { IncomingHttpHeaders } from "node:http";
import { startHttpServer } from "../../support/http-server.js";

/** One answer of the server, in its turn. */
export interface WireAnswer {
  readonly status: number;
  readonly body?: unknown;
  /** AWS's name of the error. */
  readonly errorType?: string;
}

interface WireRequest {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface WireServer {
  readonly endpoint: string;
  readonly requests: readonly WireRequest[];
  close(): Promise<void>;
}

/** Gives the answers one after the other, and the last one for ever: what AWS says and no emulator does. */
export async function startWireServer(answers: readonly WireAnswer[]): Promise<WireServer> {
  const requests: WireRequest[] = [];
  const server = await startHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { status, body = {}, errorType } = answers[requests.length] ?? answers.at(-1) ?? { status: 500 };
      requests.push({ url: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status, {
        "content-type": "application/json",
        ...(errorType !== undefined && { "x-amzn-errortype": errorType }),
      });
      response.end(JSON.stringify(body));
    });
  });
  return { endpoint: server.url, requests, close: () => server.close() };
}
