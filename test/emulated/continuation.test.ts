import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { succeeded } from "../e2e/support/cli.js";
import { Cloud, tableWith } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";

/** MNIST with so many weights that a round has to be cut into several invocations of a few seconds. */
const job = [join(import.meta.dirname, "fixtures/wide-job.yaml")];

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(job);
  cloud = await Cloud.open({ table: tableWith({ executor: { timeoutSeconds: 3 } }) });
});
afterAll(() => cloud.close());

it("trains rounds that are longer than a function may run, to the same bits", { timeout: 600_000 }, async () => {
  const run = cloud.start(["train", ...job, "--out", cloud.path("out"), "--json"]);
  await expectSame(succeeded(await run.ended), reference);
  const shown = await cloud.run(["jobs", "show", run.job ?? "", "--json"]);
  const { retries } = Life.parse(JSON.parse(shown.stdout));
  const continued = retries.filter(({ why }) => why === "continued");
  const times = new Map<string, number>();
  for (const { stage, partition } of continued) {
    const task = `${stage}/${partition}`;
    times.set(task, (times.get(task) ?? 0) + 1);
  }
  process.stdout.write(`continued ${continued.length} times: ${JSON.stringify(Object.fromEntries(times))}\n`);
  expect(times.size).toBe(3 * 4);
  expect(Math.max(...times.values())).toBeGreaterThanOrEqual(3);
});

const Life = z.looseObject({
  retries: z.array(z.looseObject({ stage: z.string(), partition: z.number(), why: z.string() })),
});
