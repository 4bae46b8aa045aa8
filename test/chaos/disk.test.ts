import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { lastEvent, type Ended } from "../e2e/support/cli.js";
import { openDisk, type Disk } from "./support/disk.js";
import { Ground } from "./support/ground.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import { roundEnded } from "./support/run.js";

const diskBytes = 64 * 2 ** 20;
/** A little, so that the disk is full in the middle of a round. */
const left = 30_000;
const rounds = 60;
const words = ["train", "job.yaml", "--json"];

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds);
  undisturbed = await lifeOf(ground.home, await ground.run([...words, "--out", "undisturbed"]));
  return () => ground.close();
});

async function diskFor(name: string): Promise<Disk> {
  const disk = await openDisk(ground.path(name), diskBytes);
  onTestFinished(() => disk.close());
  return disk;
}

describe.each(["thread", "process"])("executors in a %s each", (isolation) => {
  const all = [...words, "--isolation", isolation];

  it("a full disk stops a job, which goes on when there is room again", async () => {
    const disk = await diskFor(`full-${isolation}`);
    const run = ground.start([...all, "--out", `full-out-${isolation}`], disk.options);
    await run.event(roundEnded(10));
    disk.fill(left);
    expectStopped(await run.ended, "store.full", run.job);
    disk.fill(0);
    const again = [...all, "--out", `full-out-${isolation}`, "--resume", run.job ?? ""];
    expectStopped(await ground.run(again, disk.options), "store.full", run.job);
    disk.empty();
    expect(await lifeOn(disk, await ground.run(again, disk.options))).toEqual(undisturbed);
    await ground.isDeserted();
  });

  it("a store that becomes read-only stops a job, which goes on when it can be written again", async () => {
    const disk = await diskFor(`locked-${isolation}`);
    const run = ground.start([...all, "--out", `locked-out-${isolation}`], disk.options);
    await run.event(roundEnded(10));
    await disk.setReadOnly(true);
    expectStopped(await run.ended, "store.not-writable", run.job);
    const again = [...all, "--out", `locked-out-${isolation}`, "--resume", run.job ?? ""];
    const refused = await ground.run(again, disk.options);
    expect(refused.code).toBe(2);
    expect(lastEvent(refused)).toMatchObject({ event: "job.failed", code: "store.not-writable" });
    await disk.setReadOnly(false);
    expect(await lifeOn(disk, await ground.run(again, disk.options))).toEqual(undisturbed);
    await ground.isDeserted();
  });
});

it("a disk that is full from the beginning is named, and nothing is left of the job", async () => {
  const disk = await diskFor("full-at-once");
  disk.fill(6_000);
  const ended = await ground.run([...words, "--out", "full-at-once-out"], disk.options);
  expectStopped(ended, "store.full", undefined);
  disk.empty();
  const again = await ground.run([...words, "--out", "full-at-once-out"], disk.options);
  expect(await lifeOn(disk, again)).toEqual(undisturbed);
});

async function lifeOn({ path }: Disk, ended: Ended): Promise<Life> {
  return lifeOf(await ground.copyOf(path, `copy-of-${lastEvent(ended).job}`), ended);
}

function expectStopped(ended: Ended, code: string, job: string | undefined): void {
  expect(ended.code, ended.stderr).toBe(1);
  expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code, ...(job !== undefined && { job }) });
  expect(ended.stderr).toContain(`error ${code}: `);
}
