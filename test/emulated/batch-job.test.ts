import { beforeAll, expect, it } from "vitest";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(mnist);
  cloud = await Cloud.open();
  return () => cloud.close();
});

it("trains with executors that are functions and one that is a Batch job, to the same bits", async () => {
  const trained = await cloud.train([...mnist, "--set", "training.batchExecutors=1"]);
  await expectSame(trained, reference);
  // One in each round, and one that evaluates in the end. A driver that is late starts the same attempt again, to no effect.
  expect([...new Set(await cloud.batchJobs("SUCCEEDED"))]).toHaveLength(4);
  expect(await cloud.batchJobs("FAILED")).toEqual([]);
});
