import { httpCluster, train } from "@stampede/client";
import { JobFile, parseJobId } from "@stampede/core";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** A file in an archive, as hostile as its name. */
function entry(name: string, text: string, change: (header: Buffer) => void = () => undefined): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(text.length.toString(8).padStart(11, "0"), 124);
  header.write("ustar\u000000", 257, "latin1");
  change(header);
  return Buffer.concat([header, Buffer.from(text.padEnd(Math.ceil(text.length / 512) * 512, "\0"))]);
}

let folder: string;
let server: Server;
let archive: Buffer;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-untar-"));
  // An endpoint that means harm: its job has succeeded, and its model is what a test says.
  server = createServer((request, response) => {
    const path = request.url ?? "";
    if (path.endsWith("/model")) response.end(archive);
    else if (path.endsWith("/events")) {
      const last = {
        event: "job.succeeded",
        job: "job-1",
        metrics: {},
        rounds: 1,
        executors: 1,
        wallMs: 1,
        computeMs: 1,
      };
      response.end(`id: end\nevent: job.succeeded\ndata: ${JSON.stringify(last)}\n\n`);
    } else response.end(JSON.stringify(shown));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const limits = {
  taskTimeoutSeconds: 1,
  maxAttempts: 1,
  heartbeatTimeoutSeconds: 1,
  backups: true,
  quorum: 1,
  graceSeconds: 1,
};
const shown = {
  job: "job-1",
  name: "job",
  kind: "train",
  status: "succeeded",
  round: 1,
  rounds: 1,
  createdAt: 0,
  executors: 1,
  engine: "compiled",
  limits,
  metrics: {},
  history: [],
  unreadable: [],
  failures: [],
  retries: [],
};

describe("an archive of a model", () => {
  it.each([
    ["a path that leads out", () => entry("../../evil.json", "{}")],
    ["an absolute path", () => entry("/tmp/evil.json", "{}")],
    ["a file that no model has", () => entry("run.sh", "#!/bin/sh")],
    ["a hidden one", () => entry("graphs/.evil.onnx", "x")],
    ["a size beyond its end", () => entry("model.json", "{}", (header) => header.write("77777777777", 124))],
    ["a size that is none", () => entry("model.json", "{}", (header) => header.write("-0000000001", 124))],
    ["another format", () => entry("model.json", "{}", (header) => header.write("zip", 257))],
    ["no end", () => entry("model.json", "{}")],
    ["nothing", () => Buffer.alloc(0)],
    ["files that nobody vouches for", () => Buffer.concat([entry("model.json", "{}"), Buffer.alloc(1024)])],
  ])("with %s is refused, and nothing is written", async (_, make) => {
    archive = make();
    const cluster = httpCluster({ url, token: "t" });
    const data = { train: { format: "builtin", name: "digits" } };
    const job = JobFile.parse({ name: "job", model: "m.json", data });
    const model = { type: "file", path: "m.json" } as const;
    const out = join(folder, "out");
    const request = { job, model, baseFolder: folder, cluster, out, resume: parseJobId("job-1") };
    await expect(train(request)).rejects.toMatchObject({
      code: expect.stringMatching(/^model\.(invalid|not-readable)$/),
    });
    expect(await readdir(folder, { recursive: true })).toEqual(
      (await readdir(folder)).filter((name) => name === "out"),
    );
  });
});
