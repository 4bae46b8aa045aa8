import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { StampedeError } from "@stampede/core";
import type { Hono } from "hono";

/** Connections at the same time; more are closed at once. */
const maxConnections = 4096;
/** Node's own default is as large; said here because a test counts on it. */
const maxHeaderBytes = 16 * 2 ** 10;
const headersMs = 10_000;
/** What an idle connection is kept for. */
const keepAliveMs = 5000;
/** What requests under way may take to end when the server closes. */
const closingMs = 500;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves an app on this machine.
 * @param port 0 takes any that is free
 * @throws StampedeError `option.invalid` when the address cannot be listened on
 */
export async function listen(app: Hono, place: { readonly host: string; readonly port: number }): Promise<HttpServer> {
  const options = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1000,
    // An upload may take hours; bodies have deadlines of their own.
    requestTimeout: 0,
  };
  const answer = getRequestListener(app.fetch);
  const server = createServer(options, (incoming, outgoing) => void answer(incoming, outgoing));
  server.maxConnections = maxConnections;
  server.maxHeadersCount = 100;
  await begin(server, place);
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : place.port;
  return { port: bound, close: () => end(server) };
}

async function begin(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  const listening = once(server, "listening");
  server.listen(port, host);
  try {
    await listening;
  } catch (cause) {
    const message = `Expected to listen on ${host}:${port}, found: ${String(cause)}. Nothing was started.`;
    throw new StampedeError("option.invalid", message, { cause });
  }
}

async function end(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  const patience = setTimeout(() => server.closeAllConnections(), closingMs);
  await closed;
  clearTimeout(patience);
}
