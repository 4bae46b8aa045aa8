import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CancelJobCommand, TerminateJobCommand } from "@aws-sdk/client-batch";
import { ManualClock } from "@stampede/testing";
import { afterEach, expect, it, vi } from "vitest";
import type { BatchEvent } from "../../infra/emulated/batch-runner/views.js";
import { BatchRuns, isAlive } from "../support/batch-runs.js";

vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");

const node = (script: string): readonly string[] => [process.execPath, "-e", script];
const forEver = node("setInterval(() => undefined, 60_000)");

let runs: BatchRuns;
afterEach(() => runs.close());

it("runs a command to its end, through all of Batch's states, with the environment that the job gives it", async () => {
  vi.stubEnv("SECRET_OF_THE_USER", "must not be seen");
  const script = "console.log(JSON.stringify(process.env)); console.error('and stderr')";
  const events: BatchEvent[] = [];
  runs = await BatchRuns.open({
    definitions: [{ name: "echo", command: node(script), environment: { A: "definition", B: "definition" } }],
    onEvent: (event) => void events.push(event),
  });
  const jobId = await runs.submit("echo", { containerOverrides: { environment: [{ name: "B", value: "job" }] } });
  const job = await runs.ended(jobId);
  expect(job).toMatchObject({
    status: "SUCCEEDED",
    statusReason: "Essential container in task exited",
    container: { exitCode: 0 },
    attempts: [{ container: { exitCode: 0 } }],
  });
  expect(runs.statesOf(jobId)).toEqual(["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]);
  const [first = "", second] = runs.runner.log(jobId).trim().split("\n").toSorted().toReversed();
  expect(second).toBe("and stderr");
  const { HOME, PATH, TMPDIR, ...rest } = JSON.parse(first);
  expect(rest).toEqual({
    A: "definition",
    B: "job",
    AWS_BATCH_JOB_ID: jobId,
    AWS_BATCH_JOB_ATTEMPT: "1",
    AWS_BATCH_JQ_NAME: "work",
  });
  expect(PATH).toBe(process.env["PATH"]);
  expect(TMPDIR).toBe(HOME);
  expect(events.at(-1)).toMatchObject({
    source: "aws.batch",
    "detail-type": "Batch Job State Change",
    detail: { jobId, status: "SUCCEEDED", container: { environment: [{ name: "A" }, { name: "B", value: "job" }] } },
  });
});

it("runs a job again that failed, as often as its strategy says, and keeps what each attempt came to", async () => {
  runs = await BatchRuns.open({
    definitions: [{ name: "third", command: node("process.exit(process.env.AWS_BATCH_JOB_ATTEMPT === '3' ? 0 : 7)") }],
  });
  const twice = await runs.submit("third", { retryStrategy: { attempts: 2 } });
  expect(await runs.ended(twice)).toMatchObject({
    status: "FAILED",
    statusReason: "Essential container in task exited",
    attempts: [{ container: { exitCode: 7 } }, { container: { exitCode: 7 } }],
  });
  const thrice = await runs.submit("third", { retryStrategy: { attempts: 10 } });
  expect((await runs.ended(thrice)).attempts).toHaveLength(3);
  expect(runs.statesOf(thrice).filter((state) => state === "RUNNABLE")).toHaveLength(3);
});

it("ends an attempt that takes longer than its timeout, and does not try it again", async () => {
  const clock = new ManualClock();
  runs = await BatchRuns.open({ definitions: [{ name: "hang", command: forEver }], clock, timers: clock });
  const timeout = { attemptDurationSeconds: 90 };
  const jobId = await runs.submit("hang", { timeout, retryStrategy: { attempts: 3 } });
  await runs.reaches(jobId, "RUNNING");
  await clock.advance(89_000);
  expect((await runs.detail(jobId)).status).toBe("RUNNING");
  await clock.advance(1_000);
  expect(await runs.ended(jobId)).toMatchObject({
    status: "FAILED",
    statusReason: "Job attempt duration exceeded timeout",
    attempts: [{ container: { exitCode: 137 } }],
  });
  expect(clock.pending).toBe(0);
});

it("lets a job wait in RUNNABLE while its queue is busy", async () => {
  runs = await BatchRuns.open({
    queues: [{ name: "work", maxRunning: 1 }, { name: "other" }],
    definitions: [
      { name: "hang", command: forEver },
      { name: "end", command: node("") },
    ],
  });
  const first = await runs.submit("hang");
  const second = await runs.submit("end");
  await runs.ended(await runs.submit("end", { jobQueue: "other" }));
  expect((await runs.detail(second)).status).toBe("RUNNABLE");
  await runs.client.send(new TerminateJobCommand({ jobId: first, reason: "enough" }));
  expect(await runs.ended(first)).toMatchObject({ status: "FAILED", statusReason: "enough" });
  expect((await runs.ended(second)).status).toBe("SUCCEEDED");
});

it("cancels what waits, and leaves alone what runs", async () => {
  runs = await BatchRuns.open({
    queues: [{ name: "work", maxRunning: 1 }],
    definitions: [{ name: "hang", command: forEver }],
  });
  const [first, second] = [await runs.submit("hang"), await runs.submit("hang")];
  await runs.reaches(first, "RUNNING");
  for (const jobId of [first, second]) await runs.client.send(new CancelJobCommand({ jobId, reason: "not needed" }));
  expect(await runs.ended(second)).toMatchObject({ status: "FAILED", statusReason: "not needed", attempts: [] });
  expect((await runs.detail(first)).status).toBe("RUNNING");
});

it("says that a program cannot be started", async () => {
  runs = await BatchRuns.open({ definitions: [{ name: "none", command: ["/there/is/no/such/program"] }] });
  const job = await runs.ended(await runs.submit("none"));
  expect(job).toMatchObject({ status: "FAILED", statusReason: "Task failed to start" });
  expect(job.container?.reason).toMatch(/^CannotStartContainerError: .*ENOENT/);
});

it.runIf(process.platform === "linux")("ends a container that needs more memory than it was given", async () => {
  const script = "globalThis.held = Buffer.alloc(300 * 2 ** 20, 1); setInterval(() => undefined, 60_000)";
  runs = await BatchRuns.open({ definitions: [{ name: "eat", command: node(script), memoryMb: 200 }] });
  const job = await runs.ended(await runs.submit("eat"));
  expect(job).toMatchObject({
    status: "FAILED",
    container: { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
  });
});

it("ends what a container has started together with it, and removes its folder", async () => {
  const script = "console.log(process.env.HOME); require(process.argv[1])";
  const grandparent = new URL("../fixtures/batch/grandparent.cjs", import.meta.url).pathname;
  runs = await BatchRuns.open({ definitions: [{ name: "parent", command: [...node(script), grandparent] }] });
  const jobId = await runs.submit("parent");
  expect((await runs.ended(jobId)).status).toBe("SUCCEEDED");
  const [folder = "", child = ""] = runs.runner.log(jobId).trim().split("\n");
  await expectGone(Number(child));
  expect(existsSync(folder)).toBe(false);
});

it("kills all jobs when it is stopped", async () => {
  const grandparent = new URL("../fixtures/batch/grandparent.cjs", import.meta.url).pathname;
  runs = await BatchRuns.open({
    definitions: [{ name: "stay", command: [process.execPath, grandparent], environment: { STAY: "1" } }],
  });
  const jobId = await runs.submit("stay");
  await vi.waitFor(() => expect(runs.runner.log(jobId)).not.toBe(""), { timeout: 10_000, interval: 20 });
  await runs.close();
  await expectGone(Number(runs.runner.log(jobId)));
  expect(runs.statesOf(jobId)).not.toContain("FAILED");
});

it("leaves no job behind when it is killed itself", async () => {
  runs = await BatchRuns.open();
  const folder = await mkdtemp(join(tmpdir(), "stampede-batch-test-"));
  const runner = fork(new URL("./batch-runner-process.ts", import.meta.url), {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, TMPDIR: folder },
  });
  const [child]: unknown[] = await once(runner, "message");
  expect(isAlive(Number(child))).toBe(true);
  runner.kill("SIGKILL");
  await expectGone(Number(child));
  await rm(folder, { recursive: true, force: true });
});

/** The signal is on its way. */
async function expectGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000, interval: 20 });
}
