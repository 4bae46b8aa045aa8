import { readFileSync } from "node:fs";
import {
  BatchClient,
  DescribeJobsCommand,
  SubmitJobCommand,
  type JobDetail,
  type SubmitJobCommandInput,
} from "@aws-sdk/client-batch";
import {
  startBatchRunner,
  type BatchRunner,
  type BatchRunnerOptions,
} from "../../infra/emulated/batch-runner/index.js";
import { Signals } from "./signals.js";

/** A Batch runner with one queue `work`, its client, and what it told. */
export class BatchRuns {
  readonly runner: BatchRunner;
  readonly client: BatchClient;
  /** `<job id> <state>`, in their order. */
  readonly states: Signals;

  private constructor(runner: BatchRunner, states: Signals) {
    this.runner = runner;
    this.states = states;
    this.client = new BatchClient({
      endpoint: runner.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
  }

  static async open(options: Partial<BatchRunnerOptions> = {}): Promise<BatchRuns> {
    const states = new Signals();
    const runner = await startBatchRunner({
      queues: [{ name: "work" }],
      ...options,
      onEvent: async (event) => {
        states.add(`${String(event.detail["jobId"])} ${String(event.detail["status"])}`);
        await options.onEvent?.(event);
      },
    });
    return new BatchRuns(runner, states);
  }

  /** Submits a job of the definition, and answers its id. */
  async submit(jobDefinition: string, more: Partial<SubmitJobCommandInput> = {}): Promise<string> {
    const command = new SubmitJobCommand({ jobName: "a-job", jobQueue: "work", jobDefinition, ...more });
    const { jobId = "" } = await this.client.send(command);
    return jobId;
  }

  async reaches(jobId: string, state: string, times = 1): Promise<void> {
    await this.states.next((text) => text === `${jobId} ${state}`, times);
  }

  /** Once it is over. */
  async ended(jobId: string): Promise<JobDetail> {
    await this.states.next((text) => text === `${jobId} SUCCEEDED` || text === `${jobId} FAILED`);
    return this.detail(jobId);
  }

  async detail(jobId: string): Promise<JobDetail> {
    const { jobs = [] } = await this.client.send(new DescribeJobsCommand({ jobs: [jobId] }));
    const [job] = jobs;
    if (job === undefined) throw new Error(`no job ${jobId}`);
    return job;
  }

  statesOf(jobId: string): readonly string[] {
    return this.states.all.filter((text) => text.startsWith(jobId)).map((text) => text.slice(jobId.length + 1));
  }

  async close(): Promise<void> {
    this.client.destroy();
    await this.runner.stop();
  }
}

/** A killed process that nobody has looked after yet is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const state = process.platform === "linux" ? readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1] : undefined;
    return state?.startsWith("Z") !== true;
  } catch {
    return false;
  }
}
