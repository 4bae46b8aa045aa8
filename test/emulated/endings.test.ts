import { afterEach, describe, expect, it } from "vitest";
import type { EmulateOptions } from "../../infra/emulated/emulate.js";
import { roundEnded } from "../chaos/support/run.js";
import { lastEvent } from "../e2e/support/cli.js";
import { policiesWithout } from "./statements/without.js";
import { Cloud } from "./support/cloud.js";
import { mnist } from "./support/jobs.js";

let cloud: Cloud | undefined;
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});

async function open(options: EmulateOptions = {}): Promise<Cloud> {
  cloud = await Cloud.open(options);
  return cloud;
}

describe("a job on an emulated AWS that cannot succeed", () => {
  it("ends within its attempts when one partition's executor always dies, and says of what", async () => {
    const preload = new URL("./fixtures/crash-partition.js", import.meta.url).href;
    const variables = { NODE_OPTIONS: `--import=${preload}`, STAMPEDE_CRASH_PARTITION: "1" };
    const doomed = await open({ deploy: { variables } });
    const ended = await doomed.start(["train", ...mnist, "--out", doomed.path("out"), "--json"]).ended;
    expect(ended.code).toBe(1);
    const failed = lastEvent(ended);
    expect(failed).toMatchObject({ event: "job.failed", code: "task.crashed" });
    expect(failed).toMatchObject({ message: expect.stringMatching(/^Partition 1 failed in all of its 3 attempts/) });
    expect(failed).toMatchObject({ message: expect.stringMatching(/Runtime exited/) });
    expect(doomed.emulation.ministack.log()).toContain("a fixture ends this executor");
    await doomed.isQuiet();
  });

  it("ends soon when a role lacks a permission, and names it", async () => {
    const deploy = { byRole: true, policies: policiesWithout("driver", "Invoke") };
    const forbidden = await open({ ministack: { checkPermissions: true }, deploy });
    const ended = await forbidden.start(["train", ...mnist, "--out", forbidden.path("out"), "--json"]).ended;
    expect(ended.code).toBe(1);
    const words = expect.stringMatching(/lambda:InvokeFunction on the function stampede-local-executor/);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "store.forbidden", message: words });
  });

  it("stops within one message's delay when it is cancelled", async () => {
    const long = await open();
    const run = long.start(["train", ...mnist, "--set", "training.epochs=1000", "--out", long.path("out"), "--json"]);
    await run.event(roundEnded(1));
    const cancelled = await long.run(["jobs", "cancel", run.job ?? "", "--json"]);
    expect(cancelled.code).toBe(0);
    expect(lastEvent(await run.ended)).toMatchObject({ event: "job.failed", code: "job.cancelled" });
    await long.isQuiet();
  });
});
