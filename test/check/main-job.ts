import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { JobEvent } from "@stampede/core";

/** Judges what `npm start` wrote to a pipe (stdin): the last line must tell of a job that learned MNIST and saved its model. */
const leastAccuracy = 0.95;

function judge(lines: readonly string[]): string {
  const last = JobEvent.parse(JSON.parse(lines.at(-1) ?? "null"));
  if (last.event !== "job.succeeded") throw new Error(`the main job did not succeed: ${JSON.stringify(last)}`);
  const accuracy = last.validation?.accuracy ?? 0;
  if (!(accuracy >= leastAccuracy)) {
    throw new Error(`expected a test accuracy of at least ${leastAccuracy}, found ${accuracy}`);
  }
  if (last.executors < 2) throw new Error(`expected several executors, found ${last.executors}`);
  const model = join(last.modelPath ?? "", "model.json");
  if (!existsSync(model)) throw new Error(`expected a saved model, found no ${model}`);
  return `test accuracy ${accuracy} after ${last.rounds} rounds on ${last.executors} executors in ${last.wallMs} ms`;
}

const lines = (await text(process.stdin)).split("\n").filter((line) => line.trim() !== "");
process.stdout.write(`${judge(lines)}\n`);
