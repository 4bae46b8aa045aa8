import { startHttpServer } from "./http-server.js";
import { Signals } from "./signals.js";

/** Where a program that runs elsewhere tells that it has begun: it posts a text. */
export interface Listener {
  readonly url: string;
  readonly heard: Signals;
  close(): Promise<void>;
}

export async function listen(): Promise<Listener> {
  const heard = new Signals();
  const server = await startHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      heard.add(Buffer.concat(chunks).toString());
      response.end();
    });
  });
  return { ...server, heard };
}
