import { JobAccepted, Upload } from "@stampede/api/contract";
import { keys } from "@stampede/core";
import { readRequestOf } from "../../support/api-jobs.js";
import { beforeEach, describe, expect, it } from "vitest";
import { apiWorld, codeOf, digitsJob, posted, type ApiWorld } from "../../support/api.js";

let world: ApiWorld;
let headers: Record<string, string>;
beforeEach(async () => {
  world = apiWorld({ buckets: ["our-data"] });
  headers = await world.token("submit");
});

const submit = (body: unknown, more: Record<string, string> = {}): Promise<Response> =>
  world.fetch("/v1/jobs", posted(body, { ...headers, ...more }));

async function jobs(): Promise<number> {
  let count = 0;
  for await (const { key } of world.store.list(keys.jobs)) if (key.endsWith("/request.json")) count += 1;
  return count;
}

describe("a job that is submitted", () => {
  it("is stored as it was asked for, and the driver told", async () => {
    const response = await submit(digitsJob());
    expect(response.status).toBe(202);
    const { job, replayed } = JobAccepted.parse(await response.json());
    expect(replayed).toBe(false);
    expect(response.headers.get("location")).toBe(`/v1/jobs/${job}`);
    expect(world.sent.map((body) => JSON.parse(body))).toEqual([{ version: 1, type: "prepare", job }]);
    const request = await readRequestOf(world.store, job);
    expect(request).toMatchObject({ name: "digits", training: { seed: 7 }, capacity: { cores: 2 } });
    const shown = await world.fetch(`/v1/jobs/${job}`, { headers });
    expect(await shown.json()).toMatchObject({ job, status: "unfinished", underWay: { stage: "preparation" } });
    expect(await codeOf(await world.fetch(`/v1/jobs/${job}/result`, { headers }))).toBe("job.not-finished");
    expect(await codeOf(await world.fetch(`/v1/jobs/${job}/model`, { headers }))).toBe("job.not-finished");
  });

  it("reads data from nowhere but uploads, configured buckets and what comes with Stampede", async () => {
    const places = [
      "/etc/passwd",
      "../../etc/passwd",
      "train.csv",
      "file:///etc/passwd",
      "http://169.254.169.254/latest/meta-data/",
      "https://example.org/data.csv",
      "ftp://example.org/data.csv",
      "s3://their-data/data.csv",
      "s3://our-data.evil.example/data.csv",
      "S3://their-data/data.csv",
      "s3:///data.csv",
      "//our-data/data.csv",
      "upload:/etc/passwd",
    ];
    for (const file of places) {
      const train = { format: "csv", file, labels: { column: "y" } };
      const code = await codeOf(await submit({ ...digitsJob(), data: { train } }));
      expect([file, code]).toEqual([file, file.startsWith("upload") ? "data.not-readable" : "data.not-allowed"]);
      const sneaked = {
        format: "idx",
        features: { file: ["s3://our-data/a", file] },
        labels: { file: "s3://our-data/b" },
      };
      expect((await submit({ ...digitsJob(), data: { train: sneaked } })).status).toBeGreaterThanOrEqual(400);
      const validation = { format: "csv", file };
      const hidden = { train: { format: "csv", file: "s3://our-data/a.csv" }, validation };
      expect((await submit({ ...digitsJob(), data: hidden })).status).toBeGreaterThanOrEqual(400);
    }
    expect(await jobs()).toBe(0);
    const ours = { format: "csv", file: "s3://our-data/a.csv", labels: { column: "y" } };
    expect((await submit({ ...digitsJob(), data: { train: ours } })).status).toBe(202);
  });

  it("names uploads that are there", async () => {
    const started = await world.fetch("/v1/uploads", posted({ name: "points.csv", bytes: 4 }, headers));
    const { file, parts } = Upload.parse(await started.json());
    const data = { train: { format: "csv", file, labels: { column: "y" } } };
    expect(await codeOf(await submit({ ...digitsJob(), data }))).toBe("upload.not-found");
    await world.fetch(parts[0]?.url ?? "", { method: "PUT", body: "y\n1\n", headers });
    expect((await submit({ ...digitsJob(), data })).status).toBe(202);
    const weights = `upload://${"b".repeat(32)}/weights.bin`;
    expect(await codeOf(await submit({ ...digitsJob(), weights }))).toBe("upload.not-found");
  });

  it("is cancelled once, and is not gone on with", async () => {
    const { job } = JobAccepted.parse(await (await submit(digitsJob())).json());
    const resume = (): Promise<Response> => world.fetch(`/v1/jobs/${job}/resume`, { method: "POST", headers });
    expect((await resume()).status).toBe(200);
    const cancel = (): Promise<Response> => world.fetch(`/v1/jobs/${job}/cancel`, { method: "POST", headers });
    expect((await cancel()).status).toBe(200);
    expect(await codeOf(await cancel())).toBe("job.not-resumable");
    expect(await codeOf(await resume())).toBe("job.not-resumable");
    const result = await world.fetch(`/v1/jobs/${job}/result`, { headers });
    expect(await result.json()).toMatchObject({ job, status: "cancelled", kind: "train" });
  });

  it("is not found under an id that is none's", async () => {
    for (const path of ["", "/result", "/events", "/model"]) {
      expect(await codeOf(await world.fetch(`/v1/jobs/nobody${path}`, { headers }))).toBe("job.not-found");
    }
    for (const path of ["/cancel", "/resume"]) {
      const response = await world.fetch(`/v1/jobs/nobody${path}`, { method: "POST", headers });
      expect(await codeOf(response)).toBe("job.not-found");
    }
    for (const id of ["..", "%2e%2e%2f", "A", "a%2fb", "a b", "x".repeat(64)]) {
      const code = await codeOf(await world.fetch(`/v1/jobs/${id}/result`, { headers }));
      expect(["api.invalid-request", "api.not-found"]).toContain(code);
    }
  });
});

describe("an Idempotency-Key", () => {
  const key = { "Idempotency-Key": "order-66" };
  const accepted = async (response: Response): Promise<JobAccepted> => JobAccepted.parse(await response.json());

  it("makes one job of any number of requests", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, async () => accepted(await submit(digitsJob(), key))));
    expect(new Set(answers.map(({ job }) => job)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await jobs()).toBe(1);
  });

  it("is for one request alone", async () => {
    const first = await accepted(await submit(digitsJob(), key));
    expect(await codeOf(await submit(digitsJob({ seed: 8 }), key))).toBe("api.key-reused");
    expect(await jobs()).toBe(1);
    // The same with defaults written out, and its fields in another order.
    const { name, ...rest } = digitsJob();
    expect(await accepted(await submit({ ...rest, version: 1, name }, key))).toEqual({ ...first, replayed: true });
  });

  it("is its token's own", async () => {
    const first = await accepted(await submit(digitsJob(), key));
    const other = await accepted(await submit(digitsJob(), { ...key, ...(await world.token("submit")) }));
    expect(other.replayed).toBe(false);
    expect(other.job).not.toBe(first.job);
  });

  it("finishes what a request began that died", async () => {
    const first = await accepted(await submit(digitsJob(), key));
    await world.store.delete(keys.request(first.job));
    expect(await accepted(await submit(digitsJob(), key))).toEqual({ job: first.job, replayed: true });
    expect(await jobs()).toBe(1);
  });

  it("is printable and not endless", async () => {
    for (const bad of ["x".repeat(256), "a b", ""]) {
      const response = await submit(digitsJob(), { "Idempotency-Key": bad });
      expect([bad, await codeOf(response)]).toEqual([bad, "api.invalid-request"]);
    }
  });
});
