import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, type Served } from "@stampede/api/serve";
import { openApiDocument } from "@stampede/api/contract";
import { evaluate, HttpCluster, httpCluster, listJobs, predict, showJob, train } from "@stampede/client";
import { JobFile, parseJobId } from "@stampede/core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { digitsJob, posted } from "../support/api.js";
import { linearCsv, modelJson } from "../support/requested-jobs.js";
import { Schema } from "../support/from-openapi.js";

let folder: string;
let served: Served;
let headers: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-serve-"));
  served = await serve({
    home: join(folder, "store"),
    port: 0,
    limits: { bodyMs: 50, uploadPauseMs: 50, uploadBytes: 100_000 },
    version: "0.1.0",
    log: () => undefined,
    onTrouble: () => undefined,
  });
  headers = { Authorization: `Bearer ${served.firstToken}` };
});
afterAll(async () => {
  await served.close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that comes back on a connection on which this is sent, until the server closes it. */
async function wire(text: string): Promise<string> {
  const { port } = new URL(served.url);
  const socket: Socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const head = (path: string, method = "POST"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers["Authorization"]}\r\n`;

describe("what comes over the wire", () => {
  it("may not have headers without end", async () => {
    expect(await wire(`GET /health HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
  });

  it("may not be slow: the rest of a body that does not come is not waited for, and the connection ends", async () => {
    const answer = await wire(
      `${head("/v1/jobs")}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect(answer).toContain("api.too-slow");
    const path = `/v1/uploads/${"a".repeat(32)}/a.csv`;
    const upload = await wire(`${head(path, "PUT")}Content-Length: 1000\r\n\r\nx,y\r\n`);
    expect(upload).toMatch(/^HTTP\/1.1 408 /);
  });

  it("may not be large: what is announced is refused unread, and so is what goes on and on", async () => {
    const announced = await wire(
      `${head("/v1/jobs")}Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
    );
    expect(announced).toMatch(/^HTTP\/1.1 413 /);
    const chunk = `2710\r\n${"x".repeat(10_000)}\r\n`;
    const path = `/v1/uploads/${"b".repeat(32)}/a.csv`;
    expect(await wire(`${head(path, "PUT")}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(12)}`)).toContain("413");
    const left = await fetch(
      `${served.url}/v1/uploads/${"b".repeat(32)}/complete`,
      posted({ name: "a.csv", bytes: 1 }, headers),
    );
    expect(left.status).toBe(404);
  });

  it("may not be two requests in one", async () => {
    const both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n";
    expect(await wire(`${head("/v1/jobs")}${both}`)).toMatch(/^HTTP\/1.1 400 /);
  });

  it.each(["/../../etc/passwd", "/v1/jobs/..%2f..%2fetc%2fpasswd/model", "/v1/jobs/%00/model", "//etc/passwd"])(
    "may not lead out of the API: %s",
    async (path) => {
      expect(await wire(`${head(path, "GET")}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 40[04] /);
    },
  );
});

const Method = z.looseObject({
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string(), schema: Schema })).default([]),
  requestBody: z
    .looseObject({ content: z.record(z.string(), z.looseObject({ schema: z.unknown().optional() })) })
    .optional(),
});
const document = z
  .looseObject({
    paths: z.record(z.string(), z.record(z.string(), Method)),
    components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
  })
  .parse(JSON.parse(JSON.stringify(openApiDocument("0.1.0"))));

function checker(schema: unknown): z.ZodType {
  const whole = { ...Schema.parse(schema), $defs: document.components.schemas };
  const own = Schema.parse(JSON.parse(JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/")));
  return z.fromJSONSchema(own as Parameters<typeof z.fromJSONSchema>[0]);
}

/** What a request has in it that the document does not describe; nothing for one that is as it says. */
function unlike(url: URL, init: RequestInit, called: Set<string>): readonly string[] {
  const verb = (init.method ?? "GET").toLowerCase();
  const found = Object.entries(document.paths).find(
    ([path, methods]) => verb in methods && new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(url.pathname),
  );
  const method = found?.[1][verb];
  if (found === undefined || method === undefined) return [`${verb} ${url.pathname} is no operation`];
  called.add(`${verb} ${found[0]}`);
  const known = (place: string): readonly string[] =>
    method.parameters.filter((each) => each.in === place).map(({ name }) => name);
  const strange = [...url.searchParams.keys()].filter((name) => !known("query").includes(name));
  const own = ["authorization", "content-type", "content-length", ...known("header")];
  const odd = [...new Headers(init.headers).keys()].filter((name) => !own.includes(name));
  const schema = method.requestBody?.content["application/json"]?.schema;
  const body =
    schema === undefined
      ? []
      : (checker(schema).safeParse(JSON.parse(z.string().parse(init.body))).error?.issues ?? []);
  return [...strange, ...odd, ...body.map(({ message }) => message)];
}

describe("the client", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("asks for nothing that the OpenAPI document does not describe", { timeout: 60_000 }, async () => {
    const called = new Set<string>();
    const wrong: string[] = [];
    const real = globalThis.fetch;
    vi.stubGlobal("fetch", async (input: string | URL, init: RequestInit = {}) => {
      wrong.push(...unlike(new URL(input), init, called));
      return real(input, init);
    });
    const cluster = httpCluster({ url: served.url, token: served.firstToken ?? "" });
    await writeFile(join(folder, "points.csv"), linearCsv(40));
    await writeFile(join(folder, "model.json"), JSON.stringify(modelJson()));
    const data = { format: "csv", features: { columns: ["a", "b"], standardize: true }, labels: { column: "y" } };
    const file = JobFile.parse({
      name: "linear",
      model: "model.json",
      compile: { optimizer: "adam", loss: "meanSquaredError", metrics: ["mae"] },
      data: { train: { ...data, file: "points.csv" }, validationSplit: 0.2 },
      training: { executors: 2, epochs: 2, batchSize: 4 },
    });
    const model = { type: "file", path: join(folder, "model.json") } as const;
    const out = join(folder, "out");
    const { job } = await train({ job: file, model, baseFolder: folder, cluster, out });
    const inference = { modelFolder: join(out, "model"), data: { file: "points.csv" }, baseFolder: folder, cluster };
    await evaluate(inference);
    await predict({ ...inference, out: join(folder, "out.npy") });
    await train({ job: file, model, baseFolder: folder, cluster, out: join(folder, "again"), resume: job });
    expect(await listJobs(cluster)).toHaveLength(3);
    expect(await showJob(cluster, job)).toMatchObject({ status: "succeeded" });
    expect(await cluster.events(job)).not.toEqual([]);
    await expect(cluster.cancel(job)).rejects.toMatchObject({ code: "job.not-resumable" });
    await expect(cluster.resume(parseJobId("nobody"))).rejects.toMatchObject({ code: "job.not-found" });
    expect(wrong).toEqual([]);
    const open = ["get /health", "get /openapi.json"];
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((verb) => `${verb} ${path}`),
    );
    expect(all.filter((each) => !called.has(each) && !open.includes(each))).toEqual([]);
    expect(cluster).toBeInstanceOf(HttpCluster);
  });

  it("says what it found where there is no endpoint", async () => {
    for (const url of ["ftp://x", "nowhere", ""]) {
      expect(() => httpCluster({ url, token: "t" })).toThrow("Expected the URL of an endpoint");
    }
    expect(() => httpCluster({ url: served.url, token: "" })).toThrow("Expected a token");
    const cluster = httpCluster({ url: served.url, token: "wrong" });
    await expect(cluster.list()).rejects.toMatchObject({ code: "api.unauthorized" });
    const job = await fetch(`${served.url}/v1/jobs`, posted(digitsJob({ epochs: 1 }), headers));
    expect(job.status).toBe(202);
  });
});
