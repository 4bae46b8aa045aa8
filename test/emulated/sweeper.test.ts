import { beforeAll, expect, it } from "vitest";
import { invoke } from "../../infra/emulated/deploy.js";
import { succeeded } from "../e2e/support/cli.js";
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

it("begins a job whose first message was lost when the sweeper comes by", async () => {
  const { deadLetterUrls, functionNames } = cloud.emulation.deployment;
  // Nobody hears what is sent there.
  const env = { STAMPEDE_DRIVER_QUEUE_URL: deadLetterUrls.driver };
  const run = cloud.start(["train", ...mnist, "--out", cloud.path("out"), "--json"], { env });
  await run.event(({ event }) => event === "job.submitted");
  expect(run.events.some(({ event }) => event === "round.started")).toBe(false);
  await invoke(cloud.emulation.ministack.endpoint, functionNames.sweeper);
  await expectSame(succeeded(await run.ended), reference);
});
