import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cancelJob, feelPulse, listJobs, showJob, train, type ModelSource, type TrainRequest } from "@stampede/client";
import { JobFile, type JobEvent, type JobId } from "@stampede/core";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { clusterForEach, linearModel } from "../support/client-jobs.js";
import { memoryFiles, PreparingCluster } from "../support/preparing-cluster.js";
import { linearCsv, modelJson, wantedJob } from "../support/requested-jobs.js";

vi.setConfig({ testTimeout: 60_000 });

const made = clusterForEach();
const s3 = memoryFiles({ "s3://data/points.csv": linearCsv(43) });
let cluster: PreparingCluster;
let json: ModelSource;
beforeEach(async () => {
  cluster = new PreparingCluster(made.cluster, s3);
  json = { type: "file", path: join(made.home, "model.json") };
  await writeFile(json.path, JSON.stringify(modelJson()));
  await writeFile(join(made.home, "points.csv"), linearCsv(43));
});

const there = "s3://data/points.csv";
const columns = { format: "csv", features: { columns: ["a", "b"] }, labels: { column: "y" } } as const;

type Data = Record<string, unknown>;

/** What is trained: the model is JSON and the data at `s3://`, unless told otherwise. */
function request(change: Partial<TrainRequest> & { readonly data?: Data } = {}): TrainRequest & {
  readonly events: JobEvent[];
} {
  const { model: _, capacity: _of, data: _data, ...fields } = wantedJob(there);
  const { data = { train: { ...columns, file: there }, validationSplit: 0.2 }, ...rest } = change;
  const events: JobEvent[] = [];
  return {
    job: JobFile.parse({ ...fields, data, model: "model.json" }),
    model: json,
    baseFolder: made.home,
    cluster,
    out: join(made.home, `out-${(outs += 1)}`),
    onEvent: (event) => events.push(event),
    onRequested: (job) => void cluster.prepare(job),
    ...rest,
    events,
  };
}
let outs = 0;

describe("a job is prepared in the cloud", () => {
  it("when its model is JSON and its data lies at s3://, and ends in the bits of one that is prepared here", async () => {
    const asked = request();
    const ended = await train(asked);
    expect(cluster.requested).toEqual([ended.job]);
    expect(asked.events[0]).toMatchObject({ event: "job.submitted", job: ended.job, parameters: 17, resumed: false });
    const here = await train(request({ data: { train: { ...columns, file: "points.csv" }, validationSplit: 0.2 } }));
    expect(cluster.requested).toEqual([ended.job]);
    expect(ended.weightsSha256).toBe(here.weightsSha256);
    expect(ended.validation).toEqual(here.validation);
  });

  it.each<[string, () => Parameters<typeof request>[0]]>([
    ["its model is a program", () => ({ model: { type: "built", build: linearModel } })],
    ["a file lies on a disk", () => ({ data: { train: { ...columns, file: [there, "points.csv"] } } })],
    [
      "its validation data lies on a disk",
      () => ({ data: { train: { ...columns, file: there }, validation: { ...columns, file: "points.csv" } } }),
    ],
  ])("unless %s: then its files of s3:// are read here", async (_, change) => {
    const asked = request(change());
    await train(asked);
    expect(cluster.requested).toEqual([]);
    expect(asked.events.map(({ event }) => event)).toContain("data.ready");
  });

  it("unless the cluster does not do that", async () => {
    const local = request({ cluster: made.cluster });
    await expect(train(local)).rejects.toMatchObject({
      code: "data.not-readable",
      message: expect.stringContaining("there is no access to S3 here"),
    });
  });
});

describe("whoever waits for a job that is being prepared", () => {
  /** A job that nobody prepares yet. */
  async function requestedOnly(): Promise<JobId> {
    const stop = new AbortController();
    const asked = request({ onRequested: () => stop.abort(), signal: stop.signal });
    await expect(train(asked)).rejects.toMatchObject({ code: "job.interrupted" });
    const [job] = cluster.requested;
    if (job === undefined) throw new Error("no job was requested");
    return job;
  }

  it("may go away and come back: the job goes on", async () => {
    const job = await requestedOnly();
    expect(await listJobs(cluster)).toMatchObject([{ job, status: "unfinished", rounds: 0 }]);
    expect((await showJob(cluster, job)).underWay).toMatchObject({ stage: "preparation", tasks: [] });
    const pulse = await feelPulse(cluster, job);
    expect(pulse).toMatchObject({ status: "unfinished", isPrepared: false, heartbeatTimeoutMs: Infinity });
    expect(pulse.lastSign?.agoMs).toBeLessThan(60_000);
    const asked = request({ resume: job });
    expect((await train(asked)).job).toBe(job);
    expect(asked.events[0]).toMatchObject({ event: "job.submitted", job, resumed: true });
    expect(cluster.woken).toEqual([job]);
    expect((await feelPulse(cluster, job)).isPrepared).toBe(true);
  });

  it("is told what is wrong with the data, as the job's own error", async () => {
    const asked = request({ data: { train: { ...columns, file: "s3://data/none.csv" } } });
    const failed = { code: "data.not-readable", message: expect.stringContaining("there is no such object") };
    await expect(train(asked)).rejects.toMatchObject(failed);
    const [job] = cluster.requested;
    expect(await listJobs(cluster)).toMatchObject([{ job, status: "failed" }]);
    if (job !== undefined) expect((await showJob(cluster, job)).error).toMatchObject(failed);
    await expect(train(request({ ...(job && { resume: job }) }))).rejects.toMatchObject({ code: "job.not-resumable" });
  });

  it("is told that it was cancelled", async () => {
    const cancelled = request({ onRequested: (job) => void cancelJob(cluster, job) });
    await expect(train(cancelled)).rejects.toMatchObject({ code: "job.cancelled" });
  });

  it("is told at once what nobody needs to be asked about", async () => {
    if (json.type === "file") await writeFile(json.path, "{");
    await expect(train(request())).rejects.toMatchObject({ code: "model.invalid" });
    await expect(train(request({ model: { type: "file", path: "/none.json" } }))).rejects.toMatchObject({
      code: "model.not-readable",
    });
    expect(cluster.requested).toEqual([]);
  });
});
