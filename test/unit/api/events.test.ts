import { keys, StampedeError, tensorOf, type JobSpec, type NamedTensors, type ObjectInfo } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { apiWorld, type ApiWorld } from "../../support/api.js";
import { storePartitions } from "../../support/datasets.js";
import { makeJobSpec } from "../../support/job-specs.js";
import { World } from "../../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
const rows = [40, 41];

let world: World;
let spec: JobSpec;
let api: ApiWorld;
let headers: Record<string, string>;

beforeEach(async () => {
  world = new World({ msPerLook: 1000 });
  const { dataset } = await storePartitions(world.store, rows);
  spec = makeJobSpec({ dataset, partitionRows: rows, training: { epochs: 3 } });
  await world.submit(spec, initial);
  api = apiWorld({ store: world.store, limits: { streams: 20 } });
  headers = await api.token("read");
});

interface Frame {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

function framesIn(text: string): readonly Frame[] {
  return [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n\n/gm)].map(([, id = "", event = "", data = ""]) => ({
    id,
    event,
    data,
  }));
}

async function follow(more: Record<string, string> = {}, query = ""): Promise<readonly Frame[]> {
  const response = await api.fetch(`/v1/jobs/${spec.job}/events${query}`, { headers: { ...headers, ...more } });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  return framesIn(await response.text());
}

const namesOf = (frames: readonly Frame[]): readonly string[] => frames.map(({ event }) => event);

describe("the events of a job", () => {
  it("are told while it runs, and end with it", async () => {
    const reading = follow();
    await world.run(spec, () => false);
    const frames = await reading;
    expect(namesOf(frames).filter((name) => name === "round.finished")).toHaveLength(3);
    expect(frames[0]).toMatchObject({ id: "0", event: "job.submitted" });
    expect(frames.at(-1)).toMatchObject({ id: "end", event: "job.succeeded" });
  });

  it("go on behind the id that was seen last: what follows is told, what went before is not", async () => {
    await world.run(spec, () => false);
    const all = await follow();
    for (const id of ["1", "2", "3"]) {
      const after = all.findIndex((frame) => frame.id === id && frame.event === "round.finished");
      expect(await follow({ "Last-Event-ID": id })).toEqual(all.slice(after + 1));
    }
    const ended = await api.fetch(`/v1/jobs/${spec.job}/events`, { headers: { ...headers, "Last-Event-ID": "end" } });
    expect(ended.status).toBe(204);
  });

  it("are refused, and no stream is begun that says nothing, where the endpoint may not look at the job", async () => {
    class Unlisted extends MemoryObjectStore {
      isForbidden = false;
      override async *list(prefix: string): AsyncGenerator<ObjectInfo> {
        if (this.isForbidden) throw new StampedeError("store.forbidden", "Expected to be allowed s3:ListBucket.");
        yield* super.list(prefix);
      }
    }
    const store = new Unlisted();
    const forbidden = new World({ store });
    const { dataset } = await storePartitions(store, rows);
    const job = makeJobSpec({ dataset, partitionRows: rows, training: { epochs: 3 } });
    await forbidden.submit(job, initial);
    await forbidden.run(job, () => true);
    store.isForbidden = true;
    const other = apiWorld({ store });
    const answer = await other.fetch(`/v1/jobs/${job.job}/events`, { headers: await other.token("read") });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ code: "store.forbidden" });
  });

  it("are the same for all readers, who share one look", async () => {
    const readings = Array.from({ length: 20 }, () => follow());
    await world.run(spec, () => false);
    const [first, ...others] = await Promise.all(readings);
    expect(others.every((other) => JSON.stringify(other) === JSON.stringify(first))).toBe(true);
  });

  it("end with what has happened so far where nobody wants to wait", async () => {
    expect(namesOf(await follow({}, "?follow=false"))).toEqual(["job.submitted"]);
    await world.run(spec, () => false);
    const whole = await follow({}, "?follow=false");
    expect(whole).toEqual(await follow());
    expect(await follow({ "Last-Event-ID": "2" }, "?follow=false")).toEqual(await follow({ "Last-Event-ID": "2" }));
  });

  it("come with signs of life, and end when the endpoint closes", async () => {
    const response = await api.fetch(`/v1/jobs/${spec.job}/events`, { headers });
    const body: ReadableStream<Uint8Array> | null = response.body;
    let text = "";
    for await (const chunk of body ?? new ReadableStream<Uint8Array>()) {
      text += new TextDecoder().decode(chunk);
      if (text.includes(": still here")) api.api.close();
    }
    expect(text.startsWith("retry: 1000\n\n")).toBe(true);
    expect(text).not.toContain("job.succeeded");
  });

  it("are told to so many readers and no more, until one leaves", async () => {
    const open = (): Promise<Response> => api.fetch(`/v1/jobs/${spec.job}/events`, { headers });
    const readers = await Promise.all(Array.from({ length: 20 }, async () => (await open()).body?.getReader()));
    for (const reader of readers) await reader?.read();
    expect((await open()).status).toBe(429);
    await readers[0]?.cancel();
    const again = await open();
    expect(again.status).toBe(200);
    await again.body?.cancel();
    for (const reader of readers.slice(1)) await reader?.cancel();
  });

  it("end with its reason when it failed before it was prepared, and with its cancellation", async () => {
    await api.fetch(`/v1/jobs/${spec.job}/cancel`, { method: "POST", headers: await api.token("submit") });
    expect((await follow()).at(-1)).toMatchObject({ id: "end", event: "job.failed" });
    expect(await world.store.head(keys.cancel(spec.job))).toBeDefined();
  });
});
