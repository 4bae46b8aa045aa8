import { JobId, keys, type JobRequest, type ObjectStore } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { findRequest, requestJob } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { denseTopology, deskOf, modelJson, wantedJob } from "../../support/requested-jobs.js";

const file = "s3://bucket/points.csv";

async function stored(change: Parameters<typeof wantedJob>[1] = {}): Promise<JobRequest> {
  const { deps } = deskOf(new MemoryObjectStore());
  return read(deps.store, await requestJob(wantedJob(file, change), deps));
}

async function read(store: ObjectStore, job: JobId): Promise<JobRequest> {
  const request = await findRequest(store, job);
  if (request === undefined || "kind" in request) throw new Error("no request");
  return request;
}

const filled = (length: number, value: unknown): unknown[] => Array.from({ length }, () => value);
const refused = (model: unknown): Promise<JobRequest> => stored({ model });

describe("a request", () => {
  it("is stored with every default, marked for the sweeper, and told to the driver", async () => {
    const { deps, sent } = deskOf(new MemoryObjectStore());
    const job = await requestJob(wantedJob(file), deps);
    expect(await findRequest(deps.store, job)).toMatchObject({
      job,
      createdAt: 1_000_000,
      model: { json: modelJson() },
      training: { executors: 2, epochs: 2, mode: "synchronous", maxAttempts: 3 },
      data: { train: { delimiter: ",", header: true } },
    });
    expect(await deps.store.head(keys.unfinishedJob(job))).toBeDefined();
    expect(sent.map((body): unknown => JSON.parse(body))).toEqual([{ version: 1, type: "prepare", job }]);
  });

  it("takes the model as text, and as Keras writes it", async () => {
    expect((await stored({ model: JSON.stringify(modelJson()) })).model.json).toEqual(modelJson());
    expect((await stored({ model: denseTopology() })).model.json).toEqual({ modelTopology: denseTopology() });
  });

  it("keeps weight files of several groups as one, and what they contain", async () => {
    const weight = (name: string) => ({ name, shape: [2], dtype: "float32" });
    const weightsManifest = [
      { paths: ["a-1of2.bin", "a-2of2.bin"], weights: [weight("a"), weight("b")] },
      { paths: ["c.bin"], weights: [weight("c")] },
    ];
    const files = new Map([
      ["a-1of2.bin", new Uint8Array(12).fill(1)],
      ["a-2of2.bin", new Uint8Array(4).fill(2)],
      ["c.bin", new Uint8Array(8).fill(3)],
    ]);
    const { deps } = deskOf(new MemoryObjectStore());
    const readFile = (name: string) => Promise.resolve(files.get(name) ?? new Uint8Array());
    const job = await requestJob(wantedJob(file, { model: { ...modelJson(), weightsManifest }, readFile }), deps);
    const request = await read(deps.store, job);
    const joined = [{ paths: ["weights.bin"], weights: [weight("a"), weight("b"), weight("c")] }];
    expect(request.model.json["weightsManifest"]).toEqual(joined);
    expect(request.model.weights?.bytes).toBe(24);
    const object = await deps.store.get(keys.requestedWeights(job));
    expect([...(object?.body ?? [])]).toEqual([...filled(12, 1), ...filled(4, 2), ...filled(8, 3)]);
  });

  it("of a model without its weight files begins with drawn weights", async () => {
    const weightsManifest = [{ paths: ["w.bin"], weights: [{ name: "w", shape: [1], dtype: "float32" }] }];
    const { model } = await stored({ model: { ...modelJson(), weightsManifest } });
    expect(model).toEqual({ json: modelJson() });
  });

  it("for a job that is there changes nothing", async () => {
    const { deps, sent } = deskOf(new MemoryObjectStore());
    const job = JobId.parse("given");
    await requestJob(wantedJob(file, { job }), deps);
    const again = requestJob(wantedJob(file, { job, name: "another" }), deps);
    await expect(again).rejects.toMatchObject({ code: "job.exists" });
    expect((await findRequest(deps.store, job))?.name).toBe("small");
    expect(sent).toHaveLength(1);
  });

  it("with a field that is wrong is refused by its name, and nothing is stored", async () => {
    const { deps, sent } = deskOf(new MemoryObjectStore());
    const wrong = wantedJob(file, { training: { executors: 0 } });
    await expect(requestJob(wrong, deps)).rejects.toMatchObject({
      code: "job-file.invalid",
      message: expect.stringContaining("training.executors"),
    });
    const found: string[] = [];
    for await (const { key } of deps.store.list("")) found.push(key);
    expect([found, sent]).toEqual([[], []]);
  });
});

describe("hostile JSON for a model", () => {
  const nested = (depth: number): string => `{"modelTopology":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`;

  it.each([
    ["no JSON", "model = tf.sequential()", "JSON"],
    ["a list", [1, 2], "JSON object"],
    ["nothing", undefined, "JSON object"],
    ["a function", { modelTopology: () => 1 }, "JSON object"],
    ["a text of 5 MiB", `"${"x".repeat(5 * 2 ** 20)}"`, "at most 4194304 bytes"],
    ["a value of 5 MiB", { modelTopology: { name: "x".repeat(5 * 2 ** 20) } }, "at most 4194304 bytes"],
    ["101 levels", nested(101), "at most 100 levels"],
    ["400,000 levels", nested(400_000), "at most 100 levels"],
    ["a million values", { modelTopology: { list: filled(1_000_000, 0) } }, "at most 500000 values"],
    ["Keras 3", { module: "keras", class_name: "Sequential", config: {}, registered_name: "Sequential" }, "Keras 3"],
    ["a prototype", '{"modelTopology":{"config":{"__proto__":{"polluted":true}}}}', '"__proto__"'],
    ["a constructor", '{"modelTopology":{"constructor":{"prototype":{"polluted":true}}}}', '"constructor"'],
  ])("is refused: %s", async (_, model, found) => {
    await expect(refused(model)).rejects.toMatchObject({
      code: "model.invalid",
      message: expect.stringContaining(found),
    });
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("is refused in a moment where parts are shared, a billion values in 10 KB", async () => {
    let part: unknown = filled(1000, 1);
    for (let level = 0; level < 3; level += 1) part = filled(1000, part);
    await expect(refused({ modelTopology: { part } })).rejects.toThrow("at most 500000 values");
  });

  it("is refused where it contains itself", async () => {
    const model: Record<string, unknown> = {};
    model["modelTopology"] = model;
    await expect(refused(model)).rejects.toThrow("at most 100 levels");
  });

  it("is refused for weights that are announced or sent too large", async () => {
    const weightsManifest = [{ paths: ["w.bin"], weights: [{ name: "w", shape: [2 ** 29], dtype: "float32" }] }];
    const readFile = () => Promise.reject(new Error("never read"));
    const announced = stored({ model: { ...modelJson(), weightsManifest }, readFile });
    await expect(announced).rejects.toThrow("weights of at most 1073741824 bytes");
    const other = stored({ model: { ...modelJson(), weightsManifest: { paths: 1 } }, readFile });
    await expect(other).rejects.toThrow("a weightsManifest with paths and weights");
  });
});
