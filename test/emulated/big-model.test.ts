import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { Cloud } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";

const job = [join(import.meta.dirname, "fixtures/big-job.yaml")];

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(job);
  // Every function in its own role: a parameter server starts others.
  cloud = await Cloud.open({ ministack: { checkPermissions: true }, deploy: { byRole: true } });
  return () => cloud.close();
});

it("is averaged by parameter servers that start each other, to the same bits", async () => {
  await expectSame(await cloud.train(job), reference);
  const stored = await cloud.keysLike(/\/rounds\/000001\/(reduction|slices)\//);
  // Two deltas of 72 MB: a plan, three parts that are slices.
  expect(stored.map((key) => key.split("/").slice(4).join("/"))).toEqual([
    "reduction/plans/0000.safetensors",
    "slices/00000/slice.safetensors",
    "slices/00001/slice.safetensors",
    "slices/00002/slice.safetensors",
  ]);
  await cloud.isQuiet();
});
