import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { lastEvent, succeeded, type Ended, type Succeeded } from "../e2e/support/cli.js";
import { Dice } from "./support/dice.js";
import { withFaults } from "./support/faults.js";
import { Ground } from "./support/ground.js";
import { inPairs } from "./support/in-pairs.js";
import { writeSmallJob } from "./support/jobs.js";
import { weightsFileOf } from "./support/life.js";
import { volume } from "../support/volume.js";

const rounds = 8;
/** The round in whose middle the job is interrupted: its first delta is there, its second task fails again and again. */
const round = 5;
const flipsOfEach = volume({ all: 2, inCi: 1 });
const words = ["train", "job.yaml", "--json"];
const dice = new Dice("bit flips");

let ground: Ground;
let undisturbed: Succeeded;
let weightsFile: string;
/** A store with the job in the middle, which nobody runs. */
let interrupted: string;
let job: string;

beforeAll(async () => {
  ground = await Ground.open();
  await writeSmallJob(ground, rounds, { maxAttempts: 100, heartbeatTimeoutSeconds: 1 });
  undisturbed = succeeded(await ground.run([...words, "--out", "undisturbed"]));
  weightsFile = await weightsFileOf(undisturbed);
  interrupted = ground.path("interrupted");
  job = await interruptJob();
  return () => ground.close();
});

async function interruptJob(): Promise<string> {
  const path = `rounds/00000${round}/deltas/0000/00001`;
  const faults = withFaults({ in: "process", when: "before", path, nth: 0, signal: "SIGKILL" });
  const options = { home: interrupted, ...faults };
  const run = ground.start([...words, "--isolation", "process", "--out", "interrupted-out"], options);
  // On a busy machine the first may be tried again because it is slow, without a failure.
  await run.event((event) => event.event === "task.failed" && event.stage.round === round);
  await run.event((event) => event.event === "task.retried" && event.stage.round === round);
  await run.event((event) => event.event === "task.finished" && event.stage.round === round);
  run.kill("SIGKILL");
  await run.ended;
  await ground.isDeserted();
  return run.job ?? "";
}

describe("one wrong bit in a stored object of an interrupted job", () => {
  it.each([
    ["the spec", "spec.json"],
    ["the head", "head.json~/"],
    ["the weights that the round began with", `rounds/00000${round - 1}/weights`],
    ["weights of an earlier round", "rounds/000002/weights"],
    ["the weights that the job began with", "rounds/000000/weights"],
    ["a delta that was committed a moment ago", `rounds/00000${round}/deltas/0000/00000`],
    ["a delta whose optimizer state is needed", `rounds/00000${round - 1}/deltas/0000/00001`],
    ["a sign of life", `rounds/00000${round}/progress/`],
    ["a failure record", `rounds/00000${round}/failures/`],
    ["the reason of another attempt", `rounds/00000${round}/retries/`],
    ["a graph", "graph/train"],
    ["a partition", "/part-00001"],
    ["a manifest", "/manifest.json"],
  ])("%s: the same weights or its name", async (what, path) => {
    const outcomes = await flipAndRun(what, interrupted, path, (home, out) =>
      ground.run([...words, "--resume", job, "--out", out], { home }),
    );
    tell(what, outcomes);
  });

  it("a compiled plan: it is compiled again for the next job", async () => {
    const outcomes = await flipAndRun("plan", interrupted, "/graphs/", (home, out) =>
      ground.run([...words, "--out", out], { home }),
    );
    expect(new Set(outcomes)).toEqual(new Set(["the same weights"]));
  });

  it("the result of a job that has ended: its name", async () => {
    const outcomes = await flipAndRun("result", ground.home, "/result.json", (home, out) =>
      ground.run([...words, "--resume", undisturbed.job, "--out", out], { home }),
    );
    expect(new Set(outcomes)).toEqual(new Set(["store.corrupt"]));
  });
});

describe("one wrong bit in a saved model", () => {
  it.each(["weights.bin", "model.json", "stampede.json"])("%s: the same figures or its name", async (name) => {
    await ground.job("test.yaml", { file: "test.csv" });
    const evaluate = (model: string): Promise<Ended> =>
      ground.run(["evaluate", model, "--data", "test.yaml", "--json"], { home: ground.path("evaluations") });
    const expected = succeeded(await evaluate("undisturbed/model")).metrics;
    const outcomes: string[] = [];
    await inPairs([...Array.from({ length: 2 * flipsOfEach }).keys()], async (turn) => {
      const model = await ground.copyOf(ground.path("undisturbed/model"), `model-${name}-${turn}`);
      const where = await flipBit(join(model, name));
      const ended = await evaluate(model);
      if (ended.code === 0) expect(succeeded(ended).metrics, where).toEqual(expected);
      else expect(refusal(ended), where).toMatchObject({ message: expect.stringContaining(name) });
      outcomes.push(ended.code === 0 ? "the same figures" : refusal(ended).code);
    });
    tell(name, outcomes);
  });
});

/** Flips bits of the object in copies of a store, one in each, runs something there, and tells what came of it. */
async function flipAndRun(
  what: string,
  home: string,
  path: string,
  run: (home: string, out: string) => Promise<Ended>,
): Promise<readonly string[]> {
  const outcomes: string[] = [];
  await inPairs([...Array.from({ length: flipsOfEach }).keys()], async (turn) => {
    const name = `${what.replaceAll(" ", "-")}-${turn}`;
    const copy = await ground.copyOf(home, name);
    const object = await objectAt(copy, path);
    const where = await flipBit(object);
    outcomes.push(await outcomeOf(await run(copy, `${name}-out`), where, keyOf(copy, object)));
  });
  return outcomes;
}

async function outcomeOf(ended: Ended, where: string, key: string): Promise<string> {
  if (ended.code !== 0) {
    const { code, message } = refusal(ended);
    expect(ended.code, where).toBe(1);
    expect(message, where).toContain(key);
    return code;
  }
  const { weightsSha256, metrics, validation } = succeeded(ended);
  expect({ weightsSha256, metrics, validation }, where).toEqual({
    weightsSha256: undisturbed.weightsSha256,
    metrics: undisturbed.metrics,
    validation: undisturbed.validation,
  });
  expect(await weightsFileOf(succeeded(ended)), where).toBe(weightsFile);
  return "the same weights";
}

function refusal(ended: Ended): { readonly code: string; readonly message: string } {
  const last = lastEvent(ended);
  if (last.event !== "job.failed") throw new Error(`expected job.failed, found ${last.event}\n${ended.stderr}`);
  return last;
}

const unfinished = /~\/\d+\./;

/** The last file in a store whose path holds `part`: of versions the newest, but none that a killed writer was about to make. */
async function objectAt(home: string, part: string): Promise<string> {
  const files = await readdir(join(home, "objects"), { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const found = paths.filter((path) => relative(home, path).includes(part) && !unfinished.test(path)).toSorted();
  const last = found.at(-1);
  if (last === undefined) throw new Error(`no object with ${part} in its path`);
  return last;
}

/** The key of the object that a file holds, without the number of its version. */
function keyOf(home: string, path: string): string {
  return relative(join(home, "objects"), path).replace(/~\/\d+$/, "");
}

async function flipBit(path: string): Promise<string> {
  const bytes = await readFile(path);
  const at = dice.below(bytes.length);
  const bit = dice.below(8);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  await writeFile(path, bytes);
  return `bit ${bit} of byte ${at} in ${path}`;
}

function tell(what: string, outcomes: readonly string[]): void {
  process.stdout.write(`one wrong bit in ${what}: ${outcomes.join(", ")}\n`);
}
