import { StampedeError, type TaskMessage } from "@stampede/core";
import { handleDriverMessage, readHead, type DriverDeps } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { makeJobSpec } from "../../support/job-specs.js";
import { World } from "../../support/world.js";

const partitions = 300;

async function driven(start: (task: TaskMessage) => Promise<void>): Promise<{
  readonly effects: readonly string[];
  readonly outcome: unknown;
}> {
  const world = new World();
  const spec = makeJobSpec({ partitionRows: Array.from({ length: partitions }, () => 1) });
  await world.submit(spec, new Map());
  const effects: string[] = [];
  const { deps } = world;
  const wrapped: DriverDeps = {
    ...deps,
    queues: {
      ...deps.queues,
      driver: { send: () => Promise.resolve(void effects.push("timer")) },
    },
    executors: {
      async start(task) {
        const head = await readHead(deps.store, spec.job);
        effects.push(`${head === undefined ? "no head" : "head"} ${task.partition}`);
        return start(task);
      },
    },
  };
  const outcome = await handleDriverMessage(
    { version: 1, type: "look", job: spec.job, reason: "submitted" },
    wrapped,
  ).catch((error: unknown) => error);
  return { effects, outcome };
}

describe("the driver", () => {
  it("starts 128 executors at a time, after the head is committed and the timer set", async () => {
    let active = 0;
    let most = 0;
    const { effects, outcome } = await driven(async () => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      active -= 1;
    });
    expect(outcome).toBe("running");
    expect(most).toBe(128);
    expect(effects).toEqual(["timer", ...Array.from({ length: partitions }, (_, partition) => `head ${partition}`)]);
  });

  it("starts all others where one cannot be started, and then throws the first error", async () => {
    let ended = 0;
    const { outcome } = await driven(async ({ partition }) => {
      if (partition === 7 || partition === 9) throw new StampedeError("store.unavailable", `refused ${partition}`);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      ended += 1;
    });
    expect(outcome).toMatchObject({ message: "refused 7" });
    expect(ended).toBe(partitions - 2);
  });
});
