import { Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { WireReply } from "./envelopes.js";

/** What belongs to one connection and not to the request. `Expect` is answered by the proxy; it is never signed. */
const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "expect",
  "upgrade",
]);

/** The emulator behind the proxy. */
export class Upstream {
  readonly #url: URL;
  /** An idle connection is closed before the emulator does it (uvicorn: after 5 s), which could meet a request half-way. */
  readonly #agent = new Agent({ keepAlive: true, timeout: 2_000 });

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /**
   * Asks, with the body as it comes; the reply's body is the caller's to read.
   * Headers go as they came, `Host` among them: signatures, presigned URLs and bucket names in hosts stay valid.
   * @throws Error when the connection breaks or `signal` says so
   */
  ask(
    incoming: IncomingMessage,
    body: Readable | Buffer,
    signal: AbortSignal,
    changedHeaders: OutgoingHttpHeaders = {},
  ): Promise<IncomingMessage> {
    const { hostname, port } = this.#url;
    const headers: OutgoingHttpHeaders = { ...forwardable(incoming.headersDistinct), ...changedHeaders };
    // The body may have been changed.
    if (Buffer.isBuffer(body) && headers["transfer-encoding"] === undefined) headers["content-length"] = body.length;
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        agent: this.#agent,
        hostname,
        port,
        method: incoming.method,
        path: incoming.url,
        headers,
        setHost: false,
        signal,
      });
      outgoing.once("error", reject).once("response", resolve);
      if (Buffer.isBuffer(body)) outgoing.end(body);
      else body.once("error", reject).pipe(outgoing);
    });
  }

  /** Asks, and reads all of the reply. */
  async askWhole(
    incoming: IncomingMessage,
    body: Buffer,
    signal: AbortSignal,
    changedHeaders?: OutgoingHttpHeaders,
  ): Promise<WireReply> {
    const reply = await this.ask(incoming, body, signal, changedHeaders);
    return { status: statusOf(reply), headers: replyHeaders(reply), body: await buffer(reply) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function statusOf(reply: IncomingMessage): number {
  if (reply.statusCode === undefined) throw new Error("Expected a reply to have a status, found none.");
  return reply.statusCode;
}

/** A reply's headers but those of the connection, and of how its body was cut into chunks. */
export function replyHeaders(reply: IncomingMessage): Record<string, string | string[]> {
  const { "transfer-encoding": _, ...headers } = forwardable(reply.headersDistinct);
  return headers;
}

function forwardable(headers: NodeJS.Dict<string[]>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, values] of Object.entries(headers)) {
    if (values === undefined || ofConnection.has(name)) continue;
    const [value = "", ...others] = values;
    kept[name] = others.length === 0 ? value : values;
  }
  return kept;
}
