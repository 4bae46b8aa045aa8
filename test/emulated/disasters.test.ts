import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startFaultProxy, type FaultProxy, type WirePlan } from "@stampede/testing";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import type { EmulateOptions } from "../../infra/emulated/emulate.js";
import { queuesFor } from "../../infra/resources.js";
import { roundEnded } from "../chaos/support/run.js";
import { succeeded } from "../e2e/support/cli.js";
import { Cloud, tableWith } from "./support/cloud.js";
import { expectSame, trainHere, type Reference } from "./support/here.js";
import { mnist } from "./support/jobs.js";

const seed = 20_261_128;

let reference: Reference;
let cloud: Cloud | undefined;
let proxy: FaultProxy | undefined;
beforeAll(async () => {
  reference = await trainHere(mnist);
});
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});

async function open(options: EmulateOptions): Promise<Cloud> {
  cloud = await Cloud.open(options);
  return cloud;
}

/** Everything that functions and users ask of AWS goes through a proxy with this plan. */
function behind(plan: WirePlan): EmulateOptions {
  return {
    inFront: async (upstream) => {
      proxy = await startFaultProxy({ upstream, plan, seed });
      return proxy;
    },
  };
}

describe("a job on an emulated AWS ends in the same bits", () => {
  it("when every message comes twice and every executor is invoked twice", async () => {
    const twice = await open(behind({ rules: [{ fault: { kind: "duplicated" }, chance: 1 }] }));
    await expectSame(await twice.train(mnist), reference);
    const { requests, faults } = counts();
    expect(faults.duplicated).toBe((requests["sqs.send"] ?? 0) + (requests["lambda.invoke"] ?? 0));
  });

  it("when one reply of S3 in twenty is lost and others are refused", async () => {
    const plan: WirePlan = {
      rules: [
        { fault: { kind: "lost-reply" }, chance: 0.05 },
        { fault: { kind: "conflict" }, chance: 0.05 },
        { fault: { kind: "error-before", error: "throttled" }, chance: 0.02 },
        { fault: { kind: "truncated", at: 0.5 }, chance: 0.01 },
      ],
      spareLastAttempts: true,
    };
    const rough = await open(behind(plan));
    await expectSame(await rough.train(mnist), reference);
    expect(counts().faults["lost-reply"]).toBeGreaterThan(5);
  });

  it("when the driver is killed between any two of its steps", { timeout: 600_000 }, async () => {
    // Its messages come back soon, and as often as it takes.
    const table = tableWith({ driver: { timeoutSeconds: 5 } });
    const queues = { ...queuesFor(table), driver: { visibilitySeconds: 5, maxReceives: 1_000 } };
    const folder = join(process.env["TMPDIR"] ?? "", "deaths");
    mkdirSync(folder);
    const preload = new URL("./fixtures/die-between-requests.js", import.meta.url).href;
    const variables = {
      NODE_OPTIONS: `--import=${preload}`,
      STAMPEDE_DEATHS: folder,
      STAMPEDE_DEATHS_OF: "stampede-local-driver",
    };
    const deadly = await open({ table, deploy: { queues, variables } });
    await expectSame(await deadly.train(mnist), reference);
    const file = readFileSync(join(folder, "stampede-local-driver.json"), "utf8");
    const { deaths, survived } = z.object({ deaths: z.number(), survived: z.number() }).parse(JSON.parse(file));
    process.stdout.write(`the driver died ${deaths} times and got through ${survived} times\n`);
    expect(deaths).toBeGreaterThan(20);
  });

  it("when the emulator is ended and started again half-way", async () => {
    const stateFolder = join(process.env["TMPDIR"] ?? "", "state");
    const restarted = await open({ ministack: { stateFolder } });
    const run = restarted.start(["train", ...mnist, "--out", restarted.path("out"), "--json"]);
    await run.event(roundEnded(1));
    await restarted.emulation.ministack.restart();
    await expectSame(succeeded(await run.ended), reference);
  });
});

function counts(): ReturnType<FaultProxy["counts"]> {
  if (proxy === undefined) throw new Error("there is no proxy");
  return proxy.counts();
}
