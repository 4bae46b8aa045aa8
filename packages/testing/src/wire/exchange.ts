import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import type { WireReply } from "./envelopes.js";
import type { WireRecord } from "./log.js";

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** One request of a client, which is answered in one way or another, and its line in the log. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: Changing<WireRecord>;
  /** Fires when the client is gone before it was answered: nothing more is to be done for it. */
  readonly gone: AbortSignal;
  #body: Promise<Buffer> | undefined;

  /** @param body where it was read already */
  constructor(request: IncomingMessage, response: ServerResponse, record: WireRecord, body?: Buffer) {
    this.request = request;
    this.response = response;
    this.record = { ...record };
    if (body !== undefined) this.#body = Promise.resolve(body);
    const gone = new AbortController();
    this.gone = gone.signal;
    response.once("close", () => {
      if (!response.writableFinished) gone.abort();
    });
  }

  /** The request's body as it comes, or all of it where it was read already. */
  stream(): IncomingMessage | Promise<Buffer> {
    if (this.#body !== undefined) return this.#body;
    this.#letIn();
    return this.request;
  }

  /** All of the request's body. */
  whole(): Promise<Buffer> {
    if (this.#body === undefined) {
      this.#letIn();
      this.#body = buffer(this.request);
    }
    return this.#body;
  }

  /** A client that asked first is told that it may send its body. */
  #letIn(): void {
    if (this.#hasAsked()) this.response.writeContinue();
  }

  #hasAsked(): boolean {
    return this.request.headers.expect !== undefined;
  }

  /** Answers without having let the body in: a client that asked first keeps it, and loses the connection. */
  async refuse(reply: WireReply): Promise<void> {
    if (this.#body === undefined && this.#hasAsked()) this.response.shouldKeepAlive = false;
    else await this.whole();
    await this.answer(reply);
  }

  async answer({ status, headers, body }: WireReply): Promise<void> {
    this.record.status = status;
    this.response.writeHead(status, headers);
    this.response.end(this.request.method === "HEAD" ? undefined : body);
    await finished(this.response);
  }

  /** Answers with headers that promise more than comes, and ends the connection. */
  async cutShort({ status, headers, body }: WireReply, bytes: number): Promise<void> {
    this.record.status = status;
    this.response.writeHead(status, { ...headers, "content-length": String(body.length) });
    await new Promise<void>((resolve) => {
      this.response.write(body.subarray(0, bytes), () => resolve());
    });
    this.response.destroy();
  }

  /** TCP RST in place of an answer. */
  reset(): void {
    this.request.socket.resetAndDestroy();
  }
}
