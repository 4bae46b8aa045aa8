import { readFile } from "node:fs/promises";
import type { JobEvent } from "@stampede/core";
import { beforeAll, describe, expect, it } from "vitest";
import { withFaults } from "./support/faults.js";
import { Ground } from "./support/ground.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import { roundEnded } from "./support/run.js";

const rounds = 60;
// Times are compared all the time: for signs of life, slow tasks, deadlines.
const limits = { heartbeatTimeoutSeconds: 20, taskTimeoutSeconds: 60 };

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds, limits);
  undisturbed = await lifeOf(ground.home, await ground.run(["train", "job.yaml", "--json", "--out", "undisturbed"]));
  return () => ground.close();
});

describe.each(["thread", "process"])("a clock that jumps by hours, executors in a %s each", (isolation) => {
  const jumps = (name: string): string => ground.path(`${isolation}-${name}-jumps`);
  const optionsFor = (name: string) =>
    ({ preload: ["clock-jumps"], env: { STAMPEDE_CHAOS_JUMPS: jumps(name) } }) as const;
  const wordsFor = (name: string): readonly string[] => [
    "train",
    "job.yaml",
    "--json",
    "--isolation",
    isolation,
    "--out",
    `${isolation}-${name}`,
  ];

  it("wastes no attempt and ends no job too early", async () => {
    const limit = ["--set", "training.jobTimeoutSeconds=600"];
    const run = ground.start([...wordsFor("whole"), ...limit], optionsFor("whole"));
    expect(await lifeOf(ground.home, await run.ended)).toEqual(undisturbed);
    expect(wasted(run.events)).toEqual([]);
    await expectJumps(jumps("whole"), isolation);
  });

  // Without a limit on the whole job: that counts from its submission, by the clock that the process of that moment had.
  it("is another one when the job is resumed", async () => {
    const run = ground.start(wordsFor("resumed"), optionsFor("resumed"));
    await run.event(roundEnded(rounds / 2));
    run.kill("SIGKILL");
    await run.ended;
    const resumed = ground.start([...wordsFor("resumed"), "--resume", run.job ?? ""], optionsFor("resumed"));
    expect(await lifeOf(ground.home, await resumed.ended)).toEqual(undisturbed);
    expect(wasted([...run.events, ...resumed.events])).toEqual([]);
    await expectJumps(jumps("resumed"), isolation);
    await ground.isDeserted();
  });
});

it("a job that is resumed hours later has lost no attempt by the pause", async () => {
  const words = ["train", "job.yaml", "--json", "--set", "training.maxAttempts=1", "--out", "later"];
  const path = "rounds/000007/deltas/0000/00001";
  const run = ground.start(words, withFaults({ in: "thread", when: "before", path, nth: 1, signal: "SIGKILL" }));
  expect((await run.ended).signal).toBe("SIGKILL");
  const later = { preload: ["clock-jumps"], env: { STAMPEDE_CHAOS_HOURS: "5" } } as const;
  const resumed = ground.start([...words, "--resume", run.job ?? ""], later);
  expect(await lifeOf(ground.home, await resumed.ended)).toEqual(undisturbed);
  expect(wasted(resumed.events)).toEqual([]);
});

/** Attempts that failed, or were given up. One that is slow on a busy machine is doubled, and one may go down with its command. */
function wasted(events: readonly JobEvent[]): readonly JobEvent[] {
  return events.filter(
    (event) =>
      event.event === "task.failed" ||
      (event.event === "task.retried" && event.why !== "slow" && event.why !== "machine-gone"),
  );
}

async function expectJumps(path: string, isolation: string): Promise<void> {
  const jumped = new Set((await readFile(path, "utf8")).trim().split("\n"));
  // The parameter server is a thread in either case.
  expect(jumped).toEqual(new Set(["command", "thread", ...(isolation === "process" ? ["process"] : [])]));
}
