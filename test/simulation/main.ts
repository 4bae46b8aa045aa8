import { parseArgs } from "node:util";
import {
  failureLine,
  faultPoint,
  judge,
  replay,
  scenarioOf,
  shrink,
  summaryLine,
  type FailedSeed,
} from "@stampede/testing/simulation";
import { runCampaign } from "./processes.js";

const usage = `Plays disasters against the use cases, and looks whether they keep their promises.

npm run simulate                                    some thousand of them
npm run simulate -- --jobs 1000000 [--from SEED]    many, on all cores
npm run simulate -- --seed SEED                     one, with its timeline
  --only-faults NAME,NAME                           with these faults alone ("none": without any)
  --simplify NAME,NAME                              made simpler, as a report of a failure says`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    jobs: { type: "string", default: "5000" },
    from: { type: "string", default: "0" },
    "only-faults": { type: "string" },
    simplify: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) write(usage);
else if (values.seed === undefined) await playMany(whole(values.jobs), whole(values.from));
else await playOne(whole(values.seed));

async function playOne(seed: number): Promise<void> {
  const names = values["only-faults"]?.split(",").filter((name) => name !== "none");
  const only = names && new Set(names.map(faultPoint));
  const { text, isWhole } = await replay({ seed, only, changes: values.simplify?.split(",") ?? [] });
  write(text);
  if (!isWhole) process.exitCode = 1;
}

async function playMany(seeds: number, from: number): Promise<void> {
  const began = performance.now();
  const summary = await runCampaign(from, seeds);
  write(summaryLine(summary, (performance.now() - began) / 1000));
  for (const failed of summary.failed) await explain(failed);
  if (summary.failed.length > 0) process.exitCode = 1;
}

/** The seed, and the least that it takes. */
async function explain(failed: FailedSeed): Promise<void> {
  const { seed } = failed;
  const scenario = scenarioOf(seed);
  const shrunk = await shrink(scenario, await judge(scenario));
  write(failureLine(failed, shrunk));
  if (shrunk === undefined) return;
  const { text } = await replay({ seed, only: new Set(shrunk.faults), changes: shrunk.changes });
  write(text.replaceAll(/^/gm, "    "));
}

function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`Expected a whole number, found ${text}.`);
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}
