import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { startFaultProxy, type FaultProxy, type WirePlan } from "@stampede/testing";
import { afterEach, expect, it } from "vitest";

/** Stands for an emulator, so that a test decides when it reads and answers. */
let upstream: Server | undefined;
let proxy: FaultProxy | undefined;

afterEach(async () => {
  await proxy?.close();
  upstream?.closeAllConnections();
  upstream?.close();
});

async function inFrontOf(listener: RequestListener, plan: WirePlan = {}): Promise<FaultProxy> {
  upstream = createServer(listener).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { port } = upstream.address() as AddressInfo;
  proxy = await startFaultProxy({ upstream: `http://127.0.0.1:${port}`, plan });
  return proxy;
}

function put({ endpoint }: FaultProxy, headers: Record<string, string> = {}): ClientRequest {
  const authorization = "AWS4-HMAC-SHA256 Credential=test/20261128/us-east-1/s3/aws4_request, Signature=0";
  return httpRequest(`${endpoint}/bkt/a`, { method: "PUT", headers: { authorization, ...headers } });
}

async function reply(asking: ClientRequest): Promise<IncomingMessage> {
  const [incoming] = (await once(asking, "response")) as [IncomingMessage];
  return incoming;
}

it("bodies stream both ways: each side has the first half before the other one sends the second", async () => {
  const echo: RequestListener = (request, response) => void request.pipe(response);
  const asking = put(await inFrontOf(echo));
  asking.write("first ");
  const echoed = await reply(asking);
  const [half] = (await once(echoed, "data")) as [Buffer];
  expect(half.toString()).toBe("first ");
  asking.end("second");
  expect(await text(echoed)).toBe("second");
});

it("headers go as they came, Host and repeated ones among them", async () => {
  const there = await inFrontOf((request, response) => {
    response.setHeader("set-cookie", ["a=1", "b=2"]).setHeader("etag", '"e"');
    response.end(JSON.stringify(request.headersDistinct));
  });
  const asking = put(there, { host: "bkt.s3.localhost:4566", "x-amz-meta-a": "1" });
  const answered = await reply(asking.end());
  expect(answered.headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], etag: '"e"' });
  expect(JSON.parse(await text(answered))).toMatchObject({ host: ["bkt.s3.localhost:4566"], "x-amz-meta-a": ["1"] });
});

it("a client that asks before it sends is let in, or refused and keeps its body", async () => {
  const refused = { rules: [{ fault: { kind: "conflict" }, nth: 1 }] } as const;
  const there = await inFrontOf((request, response) => void request.pipe(response), refused);
  const asks = { expect: "100-continue", "content-length": "4", "if-none-match": "*" };
  const first = put(there, asks);
  let letIn = false;
  first.once("continue", () => {
    letIn = true;
  });
  first.flushHeaders();
  const answered = await reply(first);
  expect(answered.statusCode).toBe(409);
  expect(await text(answered)).toContain("ConditionalRequestConflict");
  expect(letIn).toBe(false);
  const second = put(there, asks);
  second.flushHeaders();
  await once(second, "continue");
  expect(await text(await reply(second.end("body")))).toBe("body");
});

it("an emulator that breaks off is no answer", async () => {
  const there = await inFrontOf((request) => void request.socket.destroy());
  await expect(reply(put(there).end())).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(there.log()).toMatchObject([{ operation: "s3.put", status: undefined, fault: undefined }]);
});

it("a client that gives up is not waited for", async () => {
  const responses: ServerResponse[] = [];
  const there = await inFrontOf((_, response) => void responses.push(response));
  const asking = put(there).on("error", () => undefined);
  asking.end();
  await expect.poll(() => responses.length).toBe(1);
  const [response] = responses;
  asking.destroy();
  await expect.poll(() => response?.closed).toBe(true);
  expect(there.log()).toMatchObject([{ upstreamStatus: undefined, status: undefined }]);
});

it("a new plan counts from 1", async () => {
  const rules = [{ fault: { kind: "error-before", error: "throttled" }, nth: 1 }] as const;
  const there = await inFrontOf((_, response) => void response.end(), { rules });
  const status = async (): Promise<number | undefined> => (await reply(put(there).end())).statusCode;
  expect([await status(), await status()]).toEqual([503, 200]);
  there.setPlan({ rules });
  expect([await status(), await status()]).toEqual([503, 200]);
  expect(there.log().map(({ occurrence }) => occurrence)).toEqual([1, 2, 1, 2]);
  expect(() => there.setPlan({ rules: [{ fault: { kind: "conflict" }, nth: 1, operations: ["s3.get"] }] })).toThrow(
    RangeError,
  );
});
