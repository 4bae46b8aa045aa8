import { LifeListener } from "@stampede/cli";
import * as client from "@stampede/client";
import { MemoryObjectStore } from "@stampede/testing";
import { requestJob } from "@stampede/training";
import { afterEach, expect, it } from "vitest";
import { deskOf, wantedJob } from "../../support/requested-jobs.js";
import { storeCluster } from "../../support/store-cluster.js";
import { fakeHost } from "./fake-host.js";

let listener: LifeListener | undefined;
afterEach(() => listener?.close());

it("says once that a job is prepared for long, and no more after that", async () => {
  const host = fakeHost();
  const store = new MemoryObjectStore();
  const { deps } = deskOf(store, () => host.time);
  const job = await requestJob(wantedJob("s3://data/points.csv"), deps);
  const told: string[] = [];
  const note = (lines: readonly string[]): number => told.push(...lines);
  const cluster = storeCluster(store);
  listener = new LifeListener({ client, cluster, name: "aws", host, job: () => job, note });
  await listener.look();
  host.time += 119_000;
  await listener.look();
  expect(told).toEqual([]);
  host.time += 31_000;
  await listener.look();
  await listener.look();
  expect(told).toHaveLength(2);
  expect(told[0]).toMatch(/^\S+ is still being prepared after 2 min 30 s: .* Watching on\.$/);
  expect(told[1]).toContain(`stampede jobs show ${job} --cluster aws`);
  host.time += 600_000;
  await listener.look();
  expect(told).toHaveLength(2);
});
