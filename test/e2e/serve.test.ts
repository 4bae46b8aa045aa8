import { readdir, readFile, stat } from "node:fs/promises";
import { JobAccepted } from "@stampede/api/contract";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digitsJob, posted } from "../support/api.js";
import { framesOf, type Frame } from "../support/streams.js";
import { succeeded, type Ended } from "./support/cli.js";
import { Served } from "./support/served.js";
import { pointsJob, Workshop } from "./support/workshop.js";

/** Of the server, which is the same for all; and of who asks it. */
let home: Workshop;
let workshop: Workshop;
let served: Served;
let store: string;
beforeAll(async () => {
  home = await Workshop.open();
  store = home.path("served");
  served = await Served.start(store);
});
beforeEach(async () => {
  workshop = await Workshop.open();
  process.env["STAMPEDE_TOKEN"] = served.token;
});
afterEach(async () => {
  delete process.env["STAMPEDE_TOKEN"];
  await workshop.close();
});
afterAll(async () => {
  await served.end();
  await home.close();
});

const there = (...words: string[]): Promise<Ended> => workshop.run(...words, "--cluster", served.url);
const headers = (): Record<string, string> => ({ Authorization: `Bearer ${served.token}` });

async function submit(job: object): Promise<string> {
  const response = await fetch(`${served.url}/v1/jobs`, posted(job, headers()));
  return JobAccepted.parse(await response.json()).job;
}

async function follow(job: string, lastId?: string): Promise<Response> {
  const more = lastId === undefined ? {} : { "Last-Event-ID": lastId };
  return fetch(`${served.url}/v1/jobs/${job}/events`, { headers: { ...headers(), ...more } });
}

describe("the commands with --cluster URL", () => {
  it("train there what they would train here, to the bit, and bring the model home", async () => {
    await workshop.job("job.json", pointsJob);
    const here = succeeded(await workshop.run("train", "job.json", "--out", "here"));
    const remote = succeeded(await there("train", "job.json", "--out", "there"));
    expect(remote.weightsSha256).toBe(here.weightsSha256);
    expect(await readFile(workshop.path("there/model/weights.bin"))).toEqual(
      await readFile(workshop.path("here/model/weights.bin")),
    );
    await workshop.write("data.json", JSON.stringify({ file: "test.csv" }));
    const evaluated = succeeded(await there("evaluate", "there/model", "--data", "data.json"));
    const own = succeeded(await workshop.run("evaluate", "here/model", "--data", "data.json"));
    expect(evaluated.metrics).toEqual(own.metrics);
    succeeded(await there("predict", "there/model", "--data", "data.json", "--out", "there.csv"));
    succeeded(await workshop.run("predict", "here/model", "--data", "data.json", "--out", "here.csv"));
    expect(await readFile(workshop.path("there.csv"), "utf8")).toBe(await readFile(workshop.path("here.csv"), "utf8"));
    const again = succeeded(await there("train", "job.json", "--resume", remote.job, "--out", "again"));
    expect(again.weightsSha256).toBe(remote.weightsSha256);
  });

  it("list, show, watch, tell and cancel the jobs there", async () => {
    await workshop.job("job.json", pointsJob);
    const { job } = succeeded(await there("train", "job.json", "--out", "there"));
    const listed = await there("jobs", "list");
    const lines = listed.stdout.split("\n").filter((line) => line.includes(`"${job}"`));
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([{ job, status: "succeeded" }]);
    expect(JSON.parse((await there("jobs", "show", job)).stdout)).toMatchObject({ job, round: 3, executors: 2 });
    expect((await there("jobs", "logs", job)).stdout).toContain('"round.finished"');
    expect((await there("jobs", "watch", job)).code).toBe(0);
    const late = await there("jobs", "cancel", job);
    expect(late.stderr).toContain("error job.not-resumable");
    expect((await there("jobs", "gc")).stderr).toContain("error option.invalid");
  });

  it("say what is wrong with a job there as they would here", async () => {
    await workshop.job("job.json", { ...pointsJob, training: { ...pointsJob.training, executors: 100 } });
    const ended = await there("train", "job.json");
    expect(ended.stderr).toContain("error data.too-few-rows");
    delete process.env["STAMPEDE_TOKEN"];
    expect((await there("jobs", "list")).stderr).toContain("STAMPEDE_TOKEN");
    process.env["STAMPEDE_TOKEN"] = "wrong";
    expect((await there("jobs", "list")).stderr).toContain("error api.unauthorized");
  });
});

it.runIf(process.platform === "linux")("jobs have the cores that requests leave", async () => {
  const tasks = `/proc/${served.pid}/task`;
  // "pid (name) state ...": the 19th field is how nice a thread is. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
  const niceness = async (thread: string): Promise<number> => {
    const text = await readFile(`${tasks}/${thread}/stat`, "utf8");
    return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[16]);
  };
  const of = async (): Promise<readonly number[]> => Promise.all((await readdir(tasks)).map(niceness));
  expect(await niceness(String(served.pid))).toBe(0);
  const job = await submit(digitsJob({ epochs: 1 }));
  for await (const frame of framesOf((await follow(job)).body)) if (frame.event === "round.finished") break;
  expect((await of()).filter((nice) => nice === 10).length).toBeGreaterThanOrEqual(1);
});

describe("stampede tokens", () => {
  it("makes a token that is good until it is revoked, and shows the first one to nobody else", async () => {
    const tokens = (...words: string[]): Promise<Ended> => workshop.run("tokens", ...words, "--store", store);
    const made: unknown = JSON.parse((await tokens("create", "--name", "ci", "--scope", "read")).stdout);
    const { id, token } = made as { readonly id: string; readonly token: string };
    const ask = async (): Promise<number> =>
      (await fetch(`${served.url}/v1/jobs`, { headers: { Authorization: `Bearer ${token}` } })).status;
    expect(await ask()).toBe(200);
    const { stdout } = await tokens("list");
    expect(stdout).toContain(id);
    expect(stdout).not.toContain(token);
    expect((await tokens("revoke", id)).code).toBe(0);
    expect(await ask()).toBe(401);
    expect(served.log).not.toContain(token);
  });

  it("writes the first one to a file that is its owner's alone, where it is asked to", async () => {
    const path = workshop.path("token");
    const other = await Served.start(workshop.path("other"), "--token-file", path);
    expect(other.token).toBeUndefined();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const Authorization = `Bearer ${(await readFile(path, "utf8")).trim()}`;
    expect((await fetch(`${other.url}/v1/jobs`, { headers: { Authorization } })).status).toBe(200);
    expect(await other.end()).toBe(0);
  });
});

describe("a job that is followed by fetch", () => {
  it("is told from an id on, over another connection", async () => {
    const job = await submit(digitsJob({ epochs: 6 }));
    const first: Frame[] = [];
    for await (const frame of framesOf((await follow(job)).body)) {
      first.push(frame);
      if (frame.event === "round.finished") break;
    }
    const rest: Frame[] = [];
    for await (const frame of framesOf((await follow(job, first.at(-1)?.id)).body)) rest.push(frame);
    const rounds = [...first, ...rest].filter(({ event }) => event === "round.finished").map(({ id }) => id);
    expect(rounds).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(rest.at(-1)).toMatchObject({ id: "end", event: "job.succeeded" });
    expect((await follow(job, "end")).status).toBe(204);
  });

  it("goes on when its server was killed, for a reader who comes back", { timeout: 120_000 }, async () => {
    const job = await submit(digitsJob({ epochs: 80, batchSize: 8 }));
    const seen: Frame[] = [];
    for await (const frame of framesOf((await follow(job)).body)) {
      seen.push(frame);
      if (frame.event === "round.finished" && Number(frame.id) >= 2) break;
    }
    await served.end("SIGKILL");
    const token = served.token;
    served = await Served.start(store);
    // Its tokens are in the store: it makes no second first one.
    expect(served.token).toBeUndefined();
    Object.assign(served, { token });
    for await (const frame of framesOf((await follow(job, seen.at(-1)?.id)).body)) seen.push(frame);
    const rounds = seen.filter(({ event }) => event === "round.finished").map(({ id }) => Number(id));
    expect(rounds).toEqual(Array.from({ length: 80 }, (_, index) => index + 1));
    expect(seen.at(-1)?.event).toBe("job.succeeded");
  });
});
