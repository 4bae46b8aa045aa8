import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { eventsOf, lastEvent, type Ended } from "../e2e/support/cli.js";
import { Dice } from "./support/dice.js";
import { Ground } from "./support/ground.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import type { Run } from "./support/run.js";
import { letPass } from "./support/until.js";
import { volume } from "../support/volume.js";

const rounds = 300;
const storms = volume({ all: 9, inCi: 4 });
/** From the start of a command to its first rounds and beyond, on a machine that is not too busy. */
const longestMs = 1_500;
const words = ["train", "job.yaml", "--json"];

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds);
  undisturbed = await lifeOf(ground.home, await ground.run([...words, "--out", "undisturbed"]));
  return () => ground.close();
});

it.each(["thread", "process"])(
  "Ctrl-C and SIGTERM at any moment, also twice, executors in a %s each",
  async (isolation) => {
    const dice = new Dice(`interrupts of ${isolation}`);
    const home = ground.path(`${isolation}-store`);
    const all = [...words, "--isolation", isolation, "--out", isolation];
    let job: string | undefined;
    let interrupted = 0;
    let last: Ended | undefined;
    for (let storm = 0; storm < storms && last?.code !== 0; storm += 1) {
      const run = ground.start(job === undefined ? all : [...all, "--resume", job], { home });
      await letPass(dice.between(0, longestMs));
      await interrupt(run, dice);
      last = await run.ended;
      await ground.isDeserted();
      if (last.code !== 0) interrupted += 1;
      job ??= jobToResume(last);
    }
    if (last?.code !== 0) last = await ground.run(job === undefined ? all : [...all, "--resume", job], { home });
    process.stdout.write(`${isolation}: ${interrupted} interruptions\n`);
    expect(interrupted).toBeGreaterThan(0);
    expect(await lifeOf(home, last)).toEqual(undisturbed);
    await ground.isDeserted();
    await expectNothingLeft(home, ground.path(isolation));
  },
);

/** Both signals, to the command or to all of its processes as a terminal does, once or twice. */
async function interrupt(run: Run, dice: Dice): Promise<void> {
  for (let times = dice.oneIn(2) ? 1 : 2; times > 0 && run.isRunning; times -= 1) {
    const signal = dice.pick(["SIGINT", "SIGTERM"] as const);
    if (dice.oneIn(2)) run.killGroup(signal);
    else run.kill(signal);
    if (times > 1) await letPass(dice.between(0, 200));
  }
}

/** The job to go on with, as the command says; undefined when none was stored. */
function jobToResume(ended: Ended): string | undefined {
  if (ended.code === 0) return undefined;
  // A command that has not begun to listen ends as any program does.
  if (ended.code === null) expect(["SIGINT", "SIGTERM"]).toContain(ended.signal);
  else expect(ended.code, ended.stderr).toBe(130);
  if (eventsOf(ended.stdout).length === 0) return undefined;
  const event = lastEvent(ended);
  if (ended.code === 130) expect(event).toMatchObject({ event: "job.failed", code: "job.interrupted" });
  return /--resume (\S+)/.exec(ended.stderr)?.[1];
}

async function expectNothingLeft(home: string, out: string): Promise<void> {
  expect(await readdir(ground.temporary)).toEqual([]);
  expect(await readdir(out)).toEqual(["model"]);
  expect((await readdir(home)).toSorted()).toEqual(["logs", "objects", "tmp"]);
  // Of an object that was replaced one version, and nothing that was to become one.
  const objects = await readdir(join(home, "objects"), { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of objects.filter((entry) => entry.isDirectory() && entry.name.endsWith("~"))) {
    expect(await readdir(join(parentPath, name))).toEqual([expect.stringMatching(/^\d{8}$/)]);
  }
}
