import { BatchClient, ListJobsCommand } from "@aws-sdk/client-batch";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { S3Client } from "@aws-sdk/client-s3";
import { S3ObjectStore } from "@stampede/aws";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, queueClient } from "../../../infra/emulated/deploy.js";
import { emulate, type EmulateOptions, type Emulation } from "../../../infra/emulated/emulate.js";
import {
  byFunction,
  functions,
  type FunctionName,
  type FunctionResource,
  type FunctionTable,
} from "../../../infra/resources.js";
import { Run } from "../../chaos/support/run.js";
import { until } from "../../chaos/support/until.js";
import { succeeded, type Ended, type Succeeded } from "../../e2e/support/cli.js";

/** The folder that job files are named from. */
export const examples = join(import.meta.dirname, "../../../packages/examples");

/** The table of resources with other settings for some functions. */
export function tableWith(changes: Partial<Record<FunctionName, Partial<FunctionResource>>>): FunctionTable {
  return byFunction((name) => ({ ...functions[name], ...changes[name] }));
}

/** An emulated AWS with Stampede in it, and a folder for what commands write. */
export class Cloud {
  readonly emulation: Emulation;
  readonly #folder: string;
  #runs = 0;

  private constructor(emulation: Emulation, folder: string) {
    this.emulation = emulation;
    this.#folder = folder;
  }

  static async open(options: EmulateOptions = {}): Promise<Cloud> {
    const folder = await mkdtemp(join(tmpdir(), "stampede-cloud-"));
    return new Cloud(await emulate(options), folder);
  }

  /** Starts a `stampede` command that works on this cloud. */
  start(words: readonly string[], { env }: { readonly env?: Readonly<Record<string, string>> } = {}): Run {
    this.#runs += 1;
    const { userVariables } = this.emulation.deployment;
    return new Run(words, {
      cwd: examples,
      home: this.path(`home-${this.#runs}`),
      mark: this.#folder,
      env: { ...userVariables, ...env },
    });
  }

  run(words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  /** Trains to the end; what it saves lies in a folder of its own. */
  async train(words: readonly string[]): Promise<Succeeded> {
    const out = this.path(`out-${this.#runs}`);
    return succeeded(await this.start(["train", ...words, "--out", out, "--json"]).ended);
  }

  async write(name: string, text: string): Promise<void> {
    await writeFile(this.path(name), text);
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Jobs that Batch was given and that have succeeded, or failed. */
  async batchJobs(status: "SUCCEEDED" | "FAILED"): Promise<readonly string[]> {
    const { batch, deployment } = this.emulation;
    const client = new BatchClient({ endpoint: batch.endpoint, region: "us-east-1", credentials });
    const jobQueue = deployment.functionVariables["STAMPEDE_BATCH_QUEUE"];
    const { jobSummaryList = [] } = await client.send(new ListJobsCommand({ jobQueue, jobStatus: status }));
    client.destroy();
    return jobSummaryList.map(({ jobName = "" }) => jobName);
  }

  /** Keys in the bucket of jobs, in order. */
  async keysLike(pattern: RegExp): Promise<readonly string[]> {
    const { deployment, ministack } = this.emulation;
    const client = new S3Client({
      endpoint: ministack.endpoint,
      region: "us-east-1",
      credentials,
      forcePathStyle: true,
    });
    const found: string[] = [];
    for await (const { key } of new S3ObjectStore({ client, bucket: deployment.bucket }).list("")) {
      if (pattern.test(key)) found.push(key);
    }
    client.destroy();
    return found;
  }

  /**
   * Resolves when no executor is at work any more, and nothing waits in a queue but timers of the driver.
   * @throws Error when that is not so within a minute, or a message has become a dead letter
   */
  async isQuiet(): Promise<void> {
    const { deployment, ministack } = this.emulation;
    const sqs = queueClient(ministack.endpoint);
    const waiting = async (url: string): Promise<number> => {
      const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] });
      const { Attributes = {} } = await sqs.send(command);
      return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
    };
    const all = Object.values(deployment.queueUrls);
    await until("nothing to wait in the queues", async () =>
      (await Promise.all(all.map(waiting))).every((n) => n === 0),
    );
    const dead = await Promise.all(Object.values(deployment.deadLetterUrls).map(waiting));
    sqs.destroy();
    if (dead.some((count) => count > 0)) throw new Error(`expected no dead letters, found ${dead.join(", ")}`);
  }

  async close(): Promise<void> {
    await this.emulation.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
