import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Says what S3 would say, as the test wants it: what no emulator says. */
export interface ScriptedS3 {
  readonly endpoint: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** @param answer "reset" breaks the connection off */
export async function startScriptedS3(answer: (asked: Asked, number: number) => Answer | "reset"): Promise<ScriptedS3> {
  const all: Asked[] = [];
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    const asked = { method, url, headers, body: await text(request) };
    all.push(asked);
    const said = answer(asked, all.length);
    if (said === "reset") return void request.socket.resetAndDestroy();
    response.writeHead(said.status, said.headers).end(method === "HEAD" ? undefined : said.body);
  };
  const server = createServer((request, response) => void reply(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port of 127.0.0.1");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked: all,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export function refusal(status: number, code: string, message = "it is so"): Answer {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>` };
}
