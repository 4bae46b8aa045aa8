import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { lastEvent, succeeded } from "../e2e/support/cli.js";
import { examples, Ground } from "./support/ground.js";
import { troubles } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";

const words = ["train", "digits/job.yaml", "--isolation", "process", "--json"];

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  undisturbed = await lifeOf(
    ground.home,
    await ground.run([...words, "--out", ground.path("plain")], { cwd: examples }),
  );
  return () => ground.close();
});

it("on a busy machine, with the least priority, a job takes longer, and nothing else", async () => {
  burnCores();
  const run = ground.start([...words, "--out", ground.path("busy")], { cwd: examples, through: ["nice", "-n", "19"] });
  expect(await lifeOf(ground.home, await run.ended)).toEqual(undisturbed);
  const failed = run.events.filter(({ event }) => event === "task.failed");
  expect(failed).toEqual([]);
});

it("an executor that grows too big is named, and its task succeeds frugally", async () => {
  const env = { STAMPEDE_CHAOS_MEMORY: "300", STAMPEDE_CHAOS_HUNGRY: "4/1" };
  const job = [...words, "--set", "training.backups=false", "--out", ground.path("hungry")];
  const run = ground.start(job, { cwd: examples, preload: ["little-memory"], env });
  expect(await lifeOf(ground.home, await run.ended)).toEqual(undisturbed);
  const told = { stage: { kind: "train", round: 4 }, partition: 1 };
  expect(troubles(run.events)).toMatchObject([
    {
      ...told,
      event: "task.failed",
      code: "task.out-of-memory",
      message: expect.stringMatching(/at most 300 MiB, found/),
    },
    { ...told, event: "task.retried", code: "task.out-of-memory", why: "failed" },
  ]);
});

it("executors that cannot have what they need at least end the job with that reason", async () => {
  const env = { STAMPEDE_CHAOS_MEMORY: "64" };
  const options = { cwd: examples, preload: ["little-memory"], env } as const;
  const ended = await ground.run([...words, "--out", ground.path("starved")], options);
  expect(ended.code).toBe(1);
  expect(lastEvent(ended)).toMatchObject({
    event: "job.failed",
    code: "task.out-of-memory",
    message: expect.stringMatching(/failed in all of its 3 attempts .* at most 64 MiB/),
  });
  expect(() => succeeded(ended)).toThrow("expected success");
  await ground.isDeserted();
});

/** Two programs a core that do nothing but compute, until the test has ended. */
function burnCores(): void {
  const burners = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ["--eval", "for(;;);"], { stdio: "ignore" }),
  );
  onTestFinished(() => {
    for (const burner of burners) burner.kill("SIGKILL");
  });
}
