import { parseJobId } from "@stampede/core";
import { FolderObjectStore } from "@stampede/local";
import { readRoundRecords } from "@stampede/training";
import { beforeAll, describe, expect, it } from "vitest";
import { succeeded } from "../e2e/support/cli.js";
import { Dice } from "./support/dice.js";
import { withFaults } from "./support/faults.js";
import { Ground } from "./support/ground.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import { signalTo, type Living } from "./support/processes.js";
import { roundEnded, type Run } from "./support/run.js";
import { letPass, until } from "./support/until.js";

const rounds = 90;
/** After a second an executor counts as lost, and a message that nobody acknowledged is delivered again. */
const timeoutSeconds = 1;
const longerMs = 2_500;
const words = ["train", "job.yaml", "--json"];

let ground: Ground;
let undisturbed: Life;
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds, { heartbeatTimeoutSeconds: timeoutSeconds });
  undisturbed = await lifeOf(ground.home, await ground.run([...words, "--out", "undisturbed"]));
  return () => ground.close();
});

const stoppedOne = (): Living | undefined => ground.living().find(({ isStopped }) => isStopped);

describe("an executor that is stopped, given up and awake again", () => {
  it.each([
    { when: "before", loses: true },
    { when: "after", loses: false },
  ] as const)("$when it commits its delta", async ({ when, loses }) => {
    const path = "rounds/000007/deltas/0000/00001";
    const once = ground.path(`stopped-${when}`);
    const faults = withFaults({ in: "process", when, path, nth: 0, signal: "SIGSTOP", once });
    const out = ["--out", `executor-${when}`];
    const run = ground.start([...words, ...out, "--isolation", "process"], faults);
    const zombie = await until("an executor to stop", stoppedOne);
    // Before: another attempt has to win. After: what it committed has to be found although it told nobody.
    await run.event(roundEnded(7));
    expect(signalTo(zombie, "SIGCONT")).toBe(true);
    const ended = await run.ended;
    expect(await lifeOf(ground.home, ended)).toEqual(undisturbed);
    const [record] = await readRoundRecords(FolderObjectStore.open(ground.home), parseJobId(run.job ?? ""), [7]);
    if (loses) expect(record?.contributions[1]?.attempt).toBeGreaterThan(1);
    await ground.isDeserted();
  });

  it("at random moments, again and again", async () => {
    const dice = new Dice("stopped executors");
    const run = ground.start([...words, "--out", "random", "--isolation", "process"]);
    for (let round = 1 + dice.below(10); round < rounds - 20; round += 4 + dice.below(30)) {
      await run.event(roundEnded(round));
      await letPass(dice.between(0, 30));
      const victim = dice.pick(ground.executorsOf(run));
      expect(signalTo(victim, "SIGSTOP")).toBe(true);
      // Whatever it was at is done by another meanwhile.
      await run.event(roundEnded(round + 3));
      expect(signalTo(victim, "SIGCONT")).toBe(true);
    }
    expect(await lifeOf(ground.home, await run.ended)).toEqual(undisturbed);
    await ground.isDeserted();
  });
});

describe.each(["thread", "process"])(
  "a whole run, executors in a %s each, that is stopped while another goes on",
  (isolation) => {
    it.each([
      { wakes: "while the other runs", round: 50 },
      { wakes: "when the other has ended", round: rounds },
    ])("and wakes $wakes", async ({ round }) => {
      const name = `${isolation}-${round}`;
      const all = [...words, "--isolation", isolation, "--set", `name=${name}`];
      const first = ground.start([...all, "--out", `${name}-first`]);
      await first.event(roundEnded(20));
      first.killGroup("SIGSTOP");
      const longEnough = letPass(longerMs);
      const second = ground.start([...all, "--out", `${name}-second`, "--resume", first.job ?? ""]);
      await second.event(roundEnded(round));
      await longEnough;
      if (round === rounds) await second.ended;
      first.killGroup("SIGCONT");
      await endWell(first, second);
    });
  },
);

it.each(["thread", "process"])("a whole run, executors in a %s each, that nobody missed goes on", async (isolation) => {
  const run = ground.start([...words, "--isolation", isolation, "--out", `${isolation}-alone`]);
  await run.event(roundEnded(20));
  run.killGroup("SIGSTOP");
  await letPass(longerMs);
  run.killGroup("SIGCONT");
  await endWell(run);
});

async function endWell(...runs: readonly Run[]): Promise<void> {
  for (const run of runs) {
    const ended = await run.ended;
    expect(succeeded(ended).job).toBe(runs[0]?.job);
    expect(await lifeOf(ground.home, ended)).toEqual(undisturbed);
  }
  await ground.isDeserted();
}
