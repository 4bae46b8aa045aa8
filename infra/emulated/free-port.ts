import { once } from "node:events";
import { createServer } from "node:net";

/** A port of the loopback interface that nobody listens on now, for servers that must be told one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("Expected a TCP port of 127.0.0.1, found none.");
  return address.port;
}
