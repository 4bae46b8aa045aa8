import { readFile } from "node:fs/promises";
import { decodeMessage, DriverMessage } from "@stampede/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { eventsOf, lastEvent, succeeded, type Ended } from "../e2e/support/cli.js";
import { changed, Workshop } from "../e2e/support/workshop.js";
import { AttendedCloud } from "./support/attended-cloud.js";

let emulator: MiniStack;
beforeAll(async () => {
  emulator = await startMiniStack();
});
afterAll(() => emulator.stop());

let cloud: AttendedCloud;
let workshop: Workshop;
beforeEach(async () => {
  const credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  for (const [name, value] of Object.entries(credentials)) vi.stubEnv(name, value);
  cloud = await AttendedCloud.create(emulator.endpoint);
  // What `npm run emulate` prints: commands inherit it.
  const deployment = {
    STAMPEDE_CLUSTER: "aws",
    STAMPEDE_BUCKET: cloud.bucket,
    STAMPEDE_DRIVER_QUEUE_URL: cloud.driverQueueUrl,
    AWS_ENDPOINT_URL: emulator.endpoint,
  };
  for (const [name, value] of Object.entries(deployment)) vi.stubEnv(name, value);
  workshop = await Workshop.open();
  const job = changed(({ data }) => {
    data.validationSplit = 0.2;
  });
  await workshop.job("job.yaml", job);
  await workshop.job("data.yaml", { file: "test.csv" });
});
afterEach(async () => {
  await cloud.close();
  await workshop.close();
  await emulator.reset();
  vi.unstubAllEnvs();
});

const here = ["--cluster", "local"] as const;
const jobOf = (ended: Ended): string => lastEvent(ended).job ?? "";

/** But for what differs between two runs of a job. */
function roundsOf({ stdout }: Ended): readonly object[] {
  return eventsOf(stdout).flatMap((event) =>
    event.event === "round.finished" ? [{ ...event, job: "", wallMs: 0, slowestMs: 0 }] : [],
  );
}

/** Each once, in no order. */
function tasksOf({ stdout }: Ended): readonly string[] {
  return eventsOf(stdout)
    .flatMap((event) => (event.event === "task.finished" ? [JSON.stringify({ ...event, job: "", computeMs: 0 })] : []))
    .toSorted();
}

describe("a job on S3 and SQS", () => {
  it("ends in the same bits as on this machine, and tells the same rounds", async () => {
    cloud.attend();
    const local = await workshop.run("train", "job.yaml", ...here, "--out", "local");
    const aws = await workshop.run("train", "job.yaml", "--out", "aws");
    expect(succeeded(aws).weightsSha256).toBe(succeeded(local).weightsSha256);
    expect(succeeded(aws).validation).toEqual(succeeded(local).validation);
    expect(roundsOf(aws)).toEqual(roundsOf(local));
    expect(roundsOf(aws)).toHaveLength(3);
    expect(tasksOf(aws)).toEqual(tasksOf(local));
    const weights = (name: string) => readFile(workshop.path(`${name}/model/weights.bin`));
    expect(await weights("aws")).toEqual(await weights("local"));

    const logs = await workshop.run("jobs", "logs", jobOf(aws));
    expect(eventsOf(logs.stdout)[0]).toMatchObject({ event: "job.submitted", engine: "compiled", rounds: 3 });
    expect(roundsOf(logs)).toEqual(roundsOf(local));
    expect(succeeded(logs).weightsSha256).toBe(succeeded(local).weightsSha256);
    const watched = await workshop.run("jobs", "watch", jobOf(aws));
    expect(watched).toMatchObject({ code: 0, stdout: logs.stdout });
    const listed = await workshop.run("jobs", "list");
    expect(JSON.parse(listed.stdout)).toMatchObject({ job: jobOf(aws), status: "succeeded", round: 3 });
  });

  it("evaluates and predicts with a saved model as this machine does", async () => {
    cloud.attend();
    succeeded(await workshop.run("train", "job.yaml", ...here, "--out", "local"));
    const words = ["local/model", "--data", "data.yaml"];
    const local = succeeded(await workshop.run("evaluate", ...words, ...here));
    const aws = succeeded(await workshop.run("evaluate", ...words));
    expect(aws.metrics).toEqual(local.metrics);
    succeeded(await workshop.run("predict", ...words, ...here, "--out", "local.csv"));
    succeeded(await workshop.run("predict", ...words, "--out", "aws.csv"));
    const [ours, theirs] = await Promise.all(["aws.csv", "local.csv"].map((name) => readFile(workshop.path(name))));
    expect(ours).toEqual(theirs);
  });

  it("goes on when whoever waits for it is interrupted, and is waited for again", async () => {
    const first = workshop.start("train", "job.yaml", "--out", "aws");
    const { job = "" } = await first.event(({ event }) => event === "job.submitted");
    first.kill("SIGINT");
    const interrupted = await first.ended;
    expect(interrupted.code).toBe(130);
    expect(lastEvent(interrupted)).toMatchObject({ event: "job.failed", job, code: "job.interrupted" });
    expect(lastEvent(interrupted)).toMatchObject({ message: expect.stringContaining("goes on in the cloud") });
    expect(interrupted.stderr).toContain(`stampede jobs watch ${job} --cluster aws`);
    expect(interrupted.stderr).toContain(`stampede jobs cancel ${job} --cluster aws`);
    const resume = /stampede (train .*--resume .*)$/m.exec(interrupted.stderr)?.[1]?.split(" ") ?? [];

    // A second watcher sees the whole job, and the driver's first decision is still to come.
    const watching = workshop.start("jobs", "watch", job);
    await watching.event(({ event }) => event === "job.submitted");
    cloud.attend();
    const watched = await watching.ended;
    expect(roundsOf(watched)).toHaveLength(3);
    const resumed = await workshop.run(...resume);
    expect(succeeded(resumed)).toMatchObject({ job, modelPath: workshop.path("aws/model") });
    expect(succeeded(resumed).weightsSha256).toBe(succeeded(watched).weightsSha256);
  });

  it("is waited for where its client was killed", async () => {
    const killed = workshop.start("train", "job.yaml");
    const { job = "" } = await killed.event(({ event }) => event === "job.submitted");
    killed.kill("SIGKILL");
    await killed.ended;
    const resumed = workshop.start("train", "job.yaml", "--resume", job, "--out", "aws");
    await resumed.event(({ event }) => event === "job.submitted");
    cloud.attend();
    expect(roundsOf(await resumed.ended)).toHaveLength(3);
    expect(succeeded(await resumed.ended).job).toBe(job);
  });

  it("is cancelled by a fact, and its driver is told", async () => {
    const running = workshop.start("train", "job.yaml");
    const { job = "" } = await running.event(({ event }) => event === "job.submitted");
    expect((await workshop.run("jobs", "cancel", job)).code).toBe(0);
    const ended = await running.ended;
    expect(ended.code).toBe(1);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", job, code: "job.cancelled" });
    const messages = await cloud.driver.receive({ max: 10, waitMs: 1_000, visibilityMs: 30_000 });
    const hints = messages.map(({ body }) => decodeMessage(DriverMessage, body, "driver"));
    expect(hints).toContainEqual({ version: 1, type: "look", job, reason: "cancel" });
  });

  it("tells of what fails in it as a job on this machine does", async () => {
    cloud.attend();
    const job = changed(({ training }) => {
      training["deltaNorm"] = { max: 1e-9 };
    });
    await workshop.job("job.yaml", job);
    const [local, aws] = [
      await workshop.run("train", "job.yaml", ...here),
      await workshop.run("train", "job.yaml"),
    ] as const;
    expect(aws.code).toBe(1);
    expect(lastEvent(aws)).toMatchObject({ code: "training.delta-too-long" });
    const failures = ({ stdout }: Ended) =>
      eventsOf(stdout).flatMap((event) => (event.event === "task.failed" ? [event.code] : []));
    expect(new Set(failures(aws))).toEqual(new Set(failures(local)));
    expect(aws.stderr).toContain(`stampede jobs show ${jobOf(aws)} --cluster aws`);
  });
});
