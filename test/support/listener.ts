import { once } from "node:events";
import { createServer } from "node:http";
import { Signals } from "./signals.js";

/** Where a program that runs elsewhere tells that it has begun: it posts a text. */
export interface Listener {
  readonly url: string;
  readonly heard: Signals;
  close(): Promise<void>;
}

export async function listen(): Promise<Listener> {
  const heard = new Signals();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      heard.add(Buffer.concat(chunks).toString());
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    heard,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
