import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { lastEvent } from "../e2e/support/cli.js";
import { Dice } from "./support/dice.js";
import { withFaults, type Fault } from "./support/faults.js";
import { Ground } from "./support/ground.js";
import { inPairs } from "./support/in-pairs.js";
import { writeSmallJob } from "./support/jobs.js";
import { lifeOf, type Life } from "./support/life.js";
import { volume } from "../support/volume.js";

const words = ["train", "job.yaml", "--json"];
/** How long the driver may be killed; at least so many times it is. */
const budgetMs = volume({ all: 20_000, inCi: 8000 });
const atLeast = 16;

let ground: Ground;
let undisturbed: Life;
let commits: readonly string[];
beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, 3);
  const list = ground.path("commits");
  const options = { ...withFaults(), env: { STAMPEDE_CHAOS_COMMITS: list } };
  const ended = await ground.run([...words, "--out", "undisturbed"], options);
  undisturbed = await lifeOf(ground.home, ended);
  commits = (await readFile(list, "utf8")).trim().split("\n");
  return () => ground.close();
});

/** Lets the fault kill a job, goes on with it (or starts anew when it was not even stored), and compares. False when it was not killed. */
async function survives(name: string, fault: Omit<Fault, "signal">): Promise<boolean> {
  const options = { home: ground.path(`${name}-store`) };
  const run = ground.start([...words, "--out", `${name}-first`], {
    ...options,
    ...withFaults({ ...fault, signal: "SIGKILL" }),
  });
  const first = await run.ended;
  if (first.signal === null) {
    // A driver that is woken once less, because a timer did not come due, makes a commit less.
    expect(await lifeOf(options.home, first), name).toEqual(undisturbed);
    return false;
  }
  expect(first.signal, name).toBe("SIGKILL");
  const out = ["--out", `${name}-resumed`];
  const resumed =
    run.job === undefined ? undefined : await ground.run([...words, ...out, "--resume", run.job], options);
  const isStored = resumed !== undefined && resumed.code !== 2;
  // Before its spec is stored there is no job.
  if (resumed?.code === 2) expect(lastEvent(resumed), name).toMatchObject({ code: "job.not-found" });
  const ended = isStored ? resumed : await ground.run([...words, ...out], options);
  expect(await lifeOf(options.home, ended), name).toEqual(undisturbed);
  return true;
}

describe("a job that is killed at a commit", () => {
  it("of the driver, before and after the first, the last and many in between, ends in the same bits", async () => {
    expect(commits.some((path) => path.endsWith("/spec.json"))).toBe(true);
    expect(commits.at(-1)).toContain("/result.json");
    const all = commits.flatMap((_, index) => [
      { in: "command", when: "before", path: "", nth: index + 1 } as const,
      { in: "command", when: "after", path: "", nth: index + 1 } as const,
    ]);
    const began = performance.now();
    let done = 0;
    await inPairs(spread(all), async (fault) => {
      if (done >= atLeast && performance.now() - began > budgetMs) return;
      if (await survives(`${fault.when}-${fault.nth}`, fault)) done += 1;
    });
    expect(done).toBeGreaterThanOrEqual(atLeast);
    process.stdout.write(`killed the driver at ${done} of ${all.length} places around its ${commits.length} commits\n`);
    await ground.isDeserted();
  });

  it("of an executor or the parameter server ends in the same bits", async () => {
    const paths = [
      "rounds/000002/weights",
      "rounds/000002/deltas/0000/00001",
      "rounds/000003/progress/train",
      "rounds/000003/evaluations/00001",
    ];
    const faults = paths.flatMap((path) => [
      { in: "thread", when: "before", path, nth: 1 } as const,
      { in: "thread", when: "after", path, nth: 1 } as const,
    ]);
    await inPairs(faults, async (fault) => {
      expect(await survives(`${fault.when}-${fault.path.replaceAll("/", "-")}`, fault)).toBe(true);
    });
    await ground.isDeserted();
  });
});

/** First and last, then always the halves of what is still between: wherever one stops, what was done is spread evenly. */
function spread<T>(list: readonly T[]): readonly T[] {
  const dice = new Dice("places of the driver's death");
  const order: T[] = [];
  let gaps: (readonly T[])[] = [list.slice(1, -1)];
  for (const end of [list[0], list.at(-1)]) if (end !== undefined) order.push(end);
  while (gaps.length > 0) {
    const next: (readonly T[])[] = [];
    for (const gap of gaps.filter(({ length }) => length > 0)) {
      // Not always the very middle, so that other runs visit other places.
      const middle = Math.floor(dice.between(gap.length / 4, (gap.length * 3) / 4));
      order.push(...gap.slice(middle, middle + 1));
      next.push(gap.slice(0, middle), gap.slice(middle + 1));
    }
    gaps = next;
  }
  return order;
}
