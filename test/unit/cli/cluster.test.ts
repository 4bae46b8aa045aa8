import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jobLife, runCommandLine, silenceLines } from "@stampede/cli";
import { parseJobId } from "@stampede/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fakeHost } from "./fake-host.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-cluster-"));
  await cp(join(import.meta.dirname, "../../../packages/examples/digits"), folder, { recursive: true });
});
// The AWS SDK looks for credentials in the process itself.
beforeAll(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return () => vi.unstubAllEnvs();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const deployment = {
  STAMPEDE_BUCKET: "jobs",
  STAMPEDE_DRIVER_QUEUE_URL: "http://127.0.0.1:9/000000000000/driver",
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
};

async function run(env: Record<string, string>, ...words: string[]) {
  const host = fakeHost({ cwd: folder, env: { NO_COLOR: "1", ...env } });
  const code = await runCommandLine(words, host);
  return { code, out: host.stdout.written.join(""), err: host.stderr.written.join("") };
}

describe("choosing a cluster", () => {
  it.each([
    [
      {},
      ["jobs", "list", "--cluster", "azure"],
      'Expected --cluster local (this machine), aws or the URL of an endpoint, found "azure"',
    ],
    [{ STAMPEDE_CLUSTER: "azure" }, ["jobs", "list"], "Expected STAMPEDE_CLUSTER to be local"],
    [{ STAMPEDE_CLUSTER: "azure" }, ["doctor"], "Expected STAMPEDE_CLUSTER to be local"],
    [{}, ["jobs", "gc", "--cluster", "aws"], "STAMPEDE_BUCKET"],
    [{ STAMPEDE_CLUSTER: "aws" }, ["jobs", "show", "job-1"], "STAMPEDE_BUCKET"],
    [{ STAMPEDE_CLUSTER: "aws", STAMPEDE_BUCKET: "b" }, ["jobs", "logs", "job-1"], "STAMPEDE_DRIVER_QUEUE_URL"],
    [{}, ["jobs", "watch", "job-1", "--cluster", "aws"], "`npm run emulate`"],
    [{}, ["doctor", "--endpoint", "127.0.0.1"], "http:// or https://"],
  ])("refuses %j %j before anything is started", async (env, words, part) => {
    const { code, err } = await run(env, ...words);
    expect(code).toBe(2);
    expect(err).toContain("error option.invalid: ");
    expect(err).toContain(part);
  });

  it.each([
    [["--cluster", "aws", "--isolation", "process"], "--isolation"],
    [["--cluster", "aws"], "STAMPEDE_BUCKET"],
  ])("does not train with %j", async (words, part) => {
    const { code, out } = await run({}, "train", "job.yaml", ...words);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      event: "job.failed",
      code: "option.invalid",
      message: expect.stringContaining(part),
    });
  });

  it("prefers the option to the environment", async () => {
    const { code, out } = await run({ STAMPEDE_CLUSTER: "aws" }, "jobs", "list", "--cluster", "local");
    expect({ code, out }).toEqual({ code: 0, out: "" });
  });

  it("says that nobody answers, of an endpoint where nobody is", async () => {
    const { code, err } = await run(deployment, "jobs", "show", "job-1", "--cluster", "aws");
    expect(code).toBe(1);
    expect(err).toContain("error store.unavailable: ");
  });
});

describe("an endpoint where nobody answers", () => {
  it("is missing, and nothing else is tried", async () => {
    const { code, out } = await run({}, "doctor", "--endpoint", "http://127.0.0.1:9", "--json");
    expect(code).toBe(1);
    const checks = out.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    expect(checks.map(({ check }) => check)).toEqual(["Node.js", "engine", "bucket"]);
    expect(checks[2]).toMatchObject({ ok: false, found: expect.stringContaining("ECONNREFUSED") });
  });
});

describe("what people are told of a job in the cloud", () => {
  const job = parseJobId("job-1");

  it("speaks of functions instead of a process that is gone", () => {
    const lines = silenceLines(job, "train", 60_000, "aws").join("\n");
    expect(lines).toContain("its functions do not run");
    expect(lines).toContain("stampede jobs show job-1 --cluster aws");
    expect(lines).not.toContain("process");
  });

  it("names the way to follow it, and to its model", () => {
    const limits = { taskTimeoutSeconds: 900, maxAttempts: 3, heartbeatTimeoutSeconds: 60 };
    const lines = jobLife(
      {
        job,
        name: "job",
        kind: "train",
        status: "unfinished",
        round: 1,
        rounds: 2,
        createdAt: 0,
        endedAt: undefined,
        executors: 2,
        engine: "compiled",
        engineReason: undefined,
        threads: 1,
        limits: { ...limits, backups: true, quorum: 1, graceSeconds: 60 },
        error: undefined,
        metrics: {},
        validation: undefined,
        weightsSha256: undefined,
        history: [],
        unreadable: [],
        failures: [],
        retries: [],
        deadTask: undefined,
        underWay: { stage: undefined, done: 0, tasks: [], lastSign: { at: 0, agoMs: 600_000, from: "client" } },
      },
      "aws",
    ).join("\n");
    expect(lines).toContain("not heard of for 10 min");
    expect(lines).toContain("its functions do not run");
    expect(lines).toContain("stampede jobs watch job-1 --cluster aws");
    expect(lines).toContain("stampede train JOB.yaml --cluster aws --resume job-1");
  });
});
