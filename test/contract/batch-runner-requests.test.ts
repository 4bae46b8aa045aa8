import {
  CancelJobCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobQueuesCommand,
  DescribeJobsCommand,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  type SubmitJobCommandInput,
} from "@aws-sdk/client-batch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { BatchRuns } from "../support/batch-runs.js";

vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");

const end = [process.execPath, "-e", ""];

let runs: BatchRuns;
beforeAll(async () => {
  runs = await BatchRuns.open({ definitions: [{ name: "end", command: end, memoryMb: 512 }] });
});
afterAll(() => runs.close());

const request: SubmitJobCommandInput = { jobName: "a-job", jobQueue: "work", jobDefinition: "end" };

it.each<[string, Partial<SubmitJobCommandInput>, RegExp]>([
  ["an unknown queue", { jobQueue: "nowhere" }, /JobQueue nowhere not found/],
  ["an unknown definition", { jobDefinition: "nothing" }, /JobDefinition nothing not found/],
  ["an unknown revision", { jobDefinition: "end:7" }, /JobDefinition end:7 not found/],
  ["a name with a space", { jobName: "a job" }, /128 letters/],
  ["a short timeout", { timeout: { attemptDurationSeconds: 59 } }, /minimum value for the timeout is 60 seconds/],
  ["no attempts", { retryStrategy: { attempts: 0 } }, /attempts/],
  ["too many attempts", { retryStrategy: { attempts: 11 } }, /attempts/],
  [
    "a reserved variable",
    { containerOverrides: { environment: [{ name: "AWS_BATCH_JOB_ID", value: "x" }] } },
    /AWS_BATCH are reserved/,
  ],
  [
    "a fraction of a MiB",
    { containerOverrides: { resourceRequirements: [{ type: "MEMORY", value: "100.5" }] } },
    /MEMORY must be a whole number/,
  ],
  ["what it cannot do", { arrayProperties: { size: 2 } }, /arrayProperties/],
  [
    "a request that is too large",
    { containerOverrides: { environment: [{ name: "BIG", value: "x".repeat(31_000) }] } },
    /at most 30720 bytes/,
  ],
])("refuses %s", async (_, change, message) => {
  const submitted = runs.client.send(new SubmitJobCommand({ ...request, ...change }));
  await expect(submitted).rejects.toMatchObject({ name: "ClientException", message: expect.stringMatching(message) });
});

it("refuses to end a job that it does not know, and describes none", async () => {
  const cancelled = runs.client.send(new CancelJobCommand({ jobId: "nobody", reason: "why not" }));
  await expect(cancelled).rejects.toMatchObject({ name: "ClientException" });
  const { jobs } = await runs.client.send(new DescribeJobsCommand({ jobs: ["nobody"] }));
  expect(jobs).toEqual([]);
});

it("takes no command from somebody who signs nothing", async () => {
  const answer = await fetch(`${runs.runner.endpoint}/v1/submitjob`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: JSON.stringify({ ...request, containerOverrides: { command: end } }),
  });
  expect(answer.status).toBe(403);
});

it("gives a definition that is registered again the next revision", async () => {
  const register = (word: string): RegisterJobDefinitionCommand =>
    new RegisterJobDefinitionCommand({
      jobDefinitionName: "say",
      type: "container",
      containerProperties: { image: "any", command: [process.execPath, "-e", `console.log("${word}")`] },
    });
  expect((await runs.client.send(register("one"))).revision).toBe(1);
  const { revision, jobDefinitionArn } = await runs.client.send(register("two"));
  expect(revision).toBe(2);
  for (const [name, word] of [
    ["say:1", "one"],
    ["say", "two"],
    [jobDefinitionArn ?? "", "two"],
  ] as const) {
    const jobId = await runs.submit(name);
    await runs.ended(jobId);
    expect(runs.runner.log(jobId)).toBe(`${word}\n`);
  }
  const described = await runs.client.send(new DescribeJobDefinitionsCommand({ jobDefinitionName: "say" }));
  expect(described.jobDefinitions?.map((definition) => definition.revision)).toEqual([1, 2]);
});

it("lists the jobs of a queue by their state, page by page", async () => {
  const ids = [await runs.submit("end"), await runs.submit("end"), await runs.submit("end")];
  for (const id of ids) await runs.ended(id);
  const query = { jobQueue: "work", jobStatus: "SUCCEEDED", maxResults: 2 } as const;
  const first = await runs.client.send(new ListJobsCommand(query));
  expect(first.jobSummaryList?.map(({ jobId }) => jobId)).toEqual([ids[2], ids[1]]);
  const next = await runs.client.send(new ListJobsCommand({ ...query, nextToken: first.nextToken }));
  expect(next.jobSummaryList?.[0]).toMatchObject({ jobId: ids[0], status: "SUCCEEDED", container: { exitCode: 0 } });
});

it("describes its queues", async () => {
  const { jobQueues } = await runs.client.send(new DescribeJobQueuesCommand({ jobQueues: ["work"] }));
  expect(jobQueues).toMatchObject([{ jobQueueName: "work", state: "ENABLED", status: "VALID" }]);
});
