import { beforeAll, expect, it } from "vitest";
import { succeeded, type Ended } from "../e2e/support/cli.js";
import { Dice } from "./support/dice.js";
import { examples, Ground, killed } from "./support/ground.js";
import { lifeOf } from "./support/life.js";
import type { Living } from "./support/processes.js";
import { roundEnded, type Run } from "./support/run.js";
import { letPass, until } from "./support/until.js";
import { volume } from "../support/volume.js";

const kills = volume({ all: 200, inCi: 60 });
/** Of the undisturbed job: about 45 s on two quiet cores where there are 200. */
const rounds = kills;
/** One victim in so many is the command itself; the others are its executors. */
const oneCommandIn = 12;
/** Speed is no matter of tests; this only tells work that goes on from work that starts from the beginning again and again. */
const atMostTimesAsLong = 8;

const settings = ["--set", `training.epochs=${rounds}`, "--set", "training.maxAttempts=100"];
const words = ["train", "mnist/job.yaml", "--isolation", "process", "--json", ...settings];

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.open();
  return () => ground.close();
});

it(`${kills} SIGKILLs in one job on MNIST change nothing`, async () => {
  const plain = await timed(() =>
    ground.run([...words, "--out", ground.path("plain")], { cwd: examples, home: ground.path("plain-store") }),
  );
  const usualMs = plain.ms / rounds;
  const hunt = new Hunt(usualMs);
  const disturbed = await timed(() => hunt.untilTheEnd());
  const ratio = disturbed.ms / plain.ms;
  process.stdout.write(
    `undisturbed ${seconds(plain.ms)} s; with ${hunt.executors} executors and ${hunt.commands} commands killed ` +
      `${seconds(disturbed.ms)} s: ${ratio.toFixed(2)} times as long; orphans were gone within ${hunt.slowestOrphanMs.toFixed(0)} ms\n`,
  );
  expect(hunt.executors + hunt.commands).toBe(kills);
  expect(succeeded(disturbed.value).job).toBe(hunt.job);
  expect(await lifeOf(ground.home, disturbed.value)).toEqual(await lifeOf(ground.path("plain-store"), plain.value));
  await ground.isDeserted();
  expect(ratio).toBeLessThan(atMostTimesAsLong);
});

/** Kills its way through one job, which is resumed whenever its command was the victim. */
class Hunt {
  executors = 0;
  commands = 0;
  slowestOrphanMs = 0;
  job = "";
  readonly #dice = new Dice("kills");
  readonly #usualMs: number;
  #run: Run;
  /** Rounds that were told to have ended. */
  #done = 0;

  /** @param usualMs how long a round takes */
  constructor(usualMs: number) {
    this.#usualMs = usualMs;
    this.#run = ground.start([...words, "--out", ground.path("killed")], { cwd: examples });
  }

  async untilTheEnd(): Promise<Ended> {
    const submitted = await this.#run.event(({ event }) => event === "job.submitted");
    this.job = submitted.job ?? "";
    let before = 0;
    for (const moment of this.#moments()) {
      await this.#isAtLeastIn(Math.floor(moment));
      const sameRound = Math.floor(before) === Math.floor(moment);
      await letPass(this.#usualMs * (sameRound ? moment - before : moment % 1));
      before = moment;
      if (this.#dice.oneIn(oneCommandIn)) await this.#killCommand();
      else await this.#killExecutor();
    }
    return this.#run.ended;
  }

  /** Fractions of rounds, ascending: some rounds are hit several times, many not at all. */
  #moments(): readonly number[] {
    const moments = Array.from({ length: kills }, () => this.#dice.between(0, rounds - 1));
    return moments.toSorted((a, b) => a - b);
  }

  async #isAtLeastIn(round: number): Promise<void> {
    if (this.#done >= round) return;
    const event = await this.#run.event(roundEnded(round));
    if (event.event === "round.finished") this.#done = event.round;
  }

  async #killExecutor(): Promise<void> {
    await until("an executor to kill", async () => {
      const living = ground.executorsOf(this.#run);
      return living.length > 0 && (await killed(this.#dice.pick(living))) !== undefined;
    });
    this.executors += 1;
  }

  async #killCommand(): Promise<void> {
    const command = await until("a command to kill", () => this.#command());
    const orphans = ground.executorsOf(this.#run);
    const began = performance.now();
    expect(await killed(command)).toBeDefined();
    this.commands += 1;
    expect((await this.#run.ended).signal).toBe("SIGKILL");
    await ground.isDeserted();
    if (orphans.length > 0) this.slowestOrphanMs = Math.max(this.slowestOrphanMs, performance.now() - began);
    this.#run = ground.start([...words, "--out", ground.path("killed"), "--resume", this.job], { cwd: examples });
  }

  #command(): Living | undefined {
    return ground.living().find(({ pid }) => pid === this.#run.pid);
  }
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const began = performance.now();
  const value = await work();
  return { ms: performance.now() - began, value };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
