import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { lastEvent, type Ended } from "../e2e/support/cli.js";
import { points } from "../e2e/support/workshop.js";
import { Dice } from "./support/dice.js";
import { withFaults } from "./support/faults.js";
import { Ground } from "./support/ground.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import { roundEnded } from "./support/run.js";
import { letPass } from "./support/until.js";

const rounds = 80;
const words = ["train", "job.yaml", "--json"];

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds);
  undisturbed = await lifeOf(ground.home, await ground.run([...words, "--out", "undisturbed"]));
  return () => ground.close();
});

describe.each(["thread", "process"])("one job, executors in a %s each", (isolation) => {
  const all = [...words, "--isolation", isolation];

  it("that two commands resume at the same moment", async () => {
    const killed = ground.start([...all, "--out", `${isolation}-killed`]);
    await killed.event(roundEnded(10));
    killed.kill("SIGKILL");
    await killed.ended;
    const resume = (out: string): Promise<Ended> =>
      ground.run([...all, "--resume", killed.job ?? "", "--out", `${isolation}-${out}`]);
    for (const ended of await Promise.all([resume("one"), resume("other")])) {
      expect(await lifeOf(ground.home, ended)).toEqual(undisturbed);
    }
    await ground.isDeserted();
  });

  it("that is resumed while it runs", async () => {
    const first = ground.start([...all, "--out", `${isolation}-first`]);
    await first.event(roundEnded(2));
    const second = ground.start([...all, "--out", `${isolation}-second`, "--resume", first.job ?? ""]);
    for (const run of [first, second]) expect(await lifeOf(ground.home, await run.ended)).toEqual(undisturbed);
    await ground.isDeserted();
  });

  it("that is resumed while it runs, into the same folder: one saves the model, the other says that it is there", async () => {
    const out = ["--out", `${isolation}-same`];
    const first = ground.start([...all, ...out]);
    await first.event(roundEnded(2));
    const second = ground.start([...all, ...out, "--resume", first.job ?? ""]);
    const ended = await Promise.all([first.ended, second.ended]);
    const [late] = ended.filter(({ code }) => code !== 0);
    if (late !== undefined) {
      expect(late.code).toBe(1);
      expect(lastEvent(late)).toMatchObject({ event: "job.failed", code: "model.exists" });
    }
    const well = ended.filter(({ code }) => code === 0);
    expect(well.length).toBeGreaterThan(0);
    for (const each of well) expect(await lifeOf(ground.home, each)).toEqual(undisturbed);
    await ground.isDeserted();
  });
});

describe("one store", () => {
  it("into which three jobs shard the same data at once", async () => {
    await ground.write("many.csv", points(20_000));
    const job = (name: string, home: string, epochs: number): Promise<Ended> => {
      const settings = [
        "data.train.file=many.csv",
        "training.batchSize=256",
        `training.epochs=${epochs}`,
        `name=${name}`,
      ];
      const set = settings.flatMap((setting) => ["--set", setting]);
      return ground.run([...words, "--out", name, ...set], { home: ground.path(home) });
    };
    const alone = await Promise.all([20, 24, 28].map((epochs) => job(`alone-${epochs}`, `home-${epochs}`, epochs)));
    const beside = await Promise.all([20, 24, 28].map((epochs) => job(`beside-${epochs}`, "home", epochs)));
    for (const [index, ended] of beside.entries()) {
      const expected = await lifeOf(ground.path(`home-${20 + 4 * index}`), alone[index] ?? ended);
      expect(await lifeOf(ground.path("home"), ended)).toEqual(expected);
    }
    await ground.isDeserted();
  });
});

describe("jobs gc", () => {
  it("in a loop beside a job that is killed and resumed takes nothing that is needed", async () => {
    const dice = new Dice("garbage");
    const home = ground.path("gc-home");
    let run = ground.start([...words, "--out", "gc-out"], { home });
    await run.event(({ event }) => event === "job.submitted");
    const job = run.job ?? "";
    const collector = collectInLoop(home);
    for (let kills = 0; kills < 4; kills += 1) {
      await run.event(roundEnded(1 + dice.below(rounds / 2)));
      await letPass(dice.between(0, 100));
      run.kill("SIGKILL");
      await run.ended;
      run = ground.start([...words, "--out", "gc-out", "--resume", job], { home });
    }
    const ended = await run.ended;
    expect(await collector.stop()).toBeGreaterThan(1);
    // Deltas of earlier rounds are gone already; once the job has ended all of its rounds become its history.
    expect(await ground.run(gc, { home })).toMatchObject({ code: 0 });
    expect(await lifeOf(home, ended)).toEqual(undisturbed);
    await ground.isDeserted();
  });

  it("between the death of a command and the model that it did not save takes nothing that is needed", async () => {
    const home = ground.path("gc-late-home");
    const fault = withFaults({ in: "command", when: "after", path: "/result.json$", nth: 1, signal: "SIGKILL" });
    const run = ground.start([...words, "--out", "gc-late"], { home, ...fault });
    expect((await run.ended).signal).toBe("SIGKILL");
    expect(await ground.run(gc, { home })).toMatchObject({ code: 0 });
    const ended = await ground.run([...words, "--out", "gc-late", "--resume", run.job ?? ""], { home });
    expect(await lifeOf(home, ended)).toEqual(undisturbed);
  });
});

const gc = ["jobs", "gc", "--min-age-hours", "0"];

/** Collects garbage again and again until it is stopped, which tells how often it did. */
function collectInLoop(home: string): { stop(): Promise<number> } {
  let stopped = false;
  const loop = async (): Promise<number> => {
    for (let times = 0; ; times += 1) {
      if (stopped) return times;
      const ended = await ground.run(gc, { home });
      expect(ended.code, ended.stderr).toBe(0);
    }
  };
  const looping = loop();
  looping.catch(() => undefined);
  onTestFinished(() => {
    stopped = true;
  });
  const stop = (): Promise<number> => {
    stopped = true;
    return looping;
  };
  return { stop };
}
