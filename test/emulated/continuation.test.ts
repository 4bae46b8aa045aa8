import { afterAll, beforeAll, expect, it } from "vitest";
import { succeeded } from "../e2e/support/cli.js";
import { Cloud, tableWith } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";

/** Three rounds of so many batches that a function of a few seconds has to be continued again and again. */
const job = [
  "mnist/job.yaml",
  "--executors",
  "4",
  "--set",
  "training.epochs=153",
  "--set",
  "training.frequency={ steps: 12000 }",
];

let cloud: Cloud;
let reference: Reference;
beforeAll(async () => {
  reference = await trainHere(job);
  cloud = await Cloud.open({ table: tableWith({ executor: { timeoutSeconds: 4 } }) });
});
afterAll(() => cloud.close());

it("trains rounds that are longer than a function may run, to the same bits", async () => {
  const run = cloud.start(["train", ...job, "--out", cloud.path("out"), "--json"]);
  await expectSame(succeeded(await run.ended), reference);
  const continued = run.events.flatMap((event) =>
    event.event === "task.retried" && event.why === "continued" ? [`${event.stage.round}/${event.partition}`] : [],
  );
  const failed = run.events.filter(({ event }) => event === "task.failed");
  const times = new Map<string, number>();
  for (const task of continued) times.set(task, (times.get(task) ?? 0) + 1);
  process.stdout.write(`continued ${continued.length} times: ${JSON.stringify(Object.fromEntries(times))}\n`);
  expect(times.size).toBe(3 * 4);
  expect(Math.max(...times.values())).toBeGreaterThanOrEqual(3);
  expect(failed).toEqual([]);
});
