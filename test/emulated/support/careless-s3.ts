import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";

/** What the server does wrong. */
export interface Carelessness {
  /** It ignores If-Match and If-None-Match, as some S3-compatible servers do: whoever writes last wins. */
  readonly ignoresConditions?: boolean;
  /** It looks at the condition, and only then, a moment later, writes: of several at once more than one wins. */
  readonly checksBeforeItWrites?: boolean;
  /** How far its clock is ahead, in ms. */
  readonly clockAheadMs?: number;
  /** A key without an object is answered with 403, as S3 does without s3:ListBucket. */
  readonly hidesMissing?: boolean;
}

export interface CarelessS3 {
  readonly endpoint: string;
  /** What is in it: buckets and objects by their paths. */
  readonly stored: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** An S3 server that stores objects, and no more than that: it has neither queues nor functions, checks no body, and is careless in chosen ways. */
export async function startCarelessS3(carelessness: Carelessness): Promise<CarelessS3> {
  const stored = new Map<string, string>();
  const server = createServer((request, response) => {
    answer(request, response, stored, carelessness).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stored,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const etagOf = (body: string): string => `"${createHash("md5").update(body).digest("hex")}"`;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  stored: Map<string, string>,
  carelessness: Carelessness,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  response.setHeader("date", new Date(Date.now() + (carelessness.clockAheadMs ?? 0)).toUTCString());
  const body = await bodyOf(request);
  const say = (status: number, text = "", headers: Record<string, string> = {}): void => {
    response.writeHead(status, headers).end(request.method === "HEAD" ? "" : text);
  };
  const isBucket = pathname.split("/").filter((part) => part !== "").length === 1;
  if (searchParams.has("uploads") || searchParams.has("uploadId") || request.method === "POST") {
    return say(501, errorOf("NotImplemented"));
  }
  if (isBucket && searchParams.has("list-type")) {
    return say(200, listOf(stored, pathname, searchParams.get("prefix") ?? ""), { "content-type": "application/xml" });
  }
  switch (request.method) {
    case "PUT": {
      const failed = carelessness.ignoresConditions === true ? undefined : refusalOf(request, stored.get(pathname));
      if (failed !== undefined) return say(failed, errorOf(failed === 404 ? "NoSuchKey" : "PreconditionFailed"));
      // Time for others to look too.
      if (carelessness.checksBeforeItWrites === true) await new Promise((resolve) => setTimeout(resolve, 20));
      stored.set(pathname, body);
      return say(200, "", { etag: etagOf(body) });
    }
    case "GET": {
      const found = stored.get(pathname);
      if (found === undefined) {
        return carelessness.hidesMissing === true ? say(403, errorOf("AccessDenied")) : say(404, errorOf("NoSuchKey"));
      }
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
      if (range === null) return say(200, found, { etag: etagOf(found) });
      return say(206, found.slice(Number(range[1]), Number(range[2]) + 1), { etag: etagOf(found) });
    }
    case "DELETE":
      stored.delete(pathname);
      return say(204);
    default:
      return say(501, errorOf("NotImplemented"));
  }
}

function refusalOf({ headers }: IncomingMessage, found: string | undefined): number | undefined {
  if (headers["if-none-match"] === "*" && found !== undefined) return 412;
  const wanted = headers["if-match"];
  if (wanted === undefined) return undefined;
  if (found === undefined) return 404;
  return wanted === etagOf(found) ? undefined : 412;
}

function errorOf(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
}

function listOf(stored: ReadonlyMap<string, string>, bucket: string, prefix: string): string {
  const folder = bucket.endsWith("/") ? bucket : `${bucket}/`;
  const found = [...stored.keys()].filter((path) => path.startsWith(folder + prefix)).toSorted();
  const entries = found.map((path) => `<Contents><Key>${path.slice(folder.length)}</Key><Size>1</Size></Contents>`);
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${entries.join("")}</ListBucketResult>`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request) body += String(chunk);
  return body;
}
