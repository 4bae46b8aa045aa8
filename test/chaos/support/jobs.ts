import type { JobEvent } from "@stampede/core";
import { changed, type JobDraft } from "../../e2e/support/workshop.js";
import type { Ground } from "./ground.js";

/**
 * A small model that forgets nothing: dropout, whose masks must replay, and an optimizer with a memory of its own, which each
 * executor has to find again.
 */
const dropoutModel = `import { train } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
export default function build() {
  const model = sequential({
    layers: [
      layers.dense({ units: 16, activation: "tanh", inputShape: [2] }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 2, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}
`;

/** A job on synthetic points, with validation data: of so many rounds, a few milliseconds each. */
function smallJob(rounds: number, training: Readonly<Record<string, unknown>> = {}): JobDraft {
  return changed((job) => {
    job.model = "./dropout.mjs";
    job.training = { ...job.training, epochs: rounds, batchSize: 4, ...training };
    job.data.validation = { ...job.data.train, file: "test.csv" };
  });
}

/** Writes a small job and its model as `job.yaml`. */
export async function writeSmallJob(
  ground: Ground,
  rounds: number,
  training?: Readonly<Record<string, unknown>>,
): Promise<void> {
  await ground.write("dropout.mjs", dropoutModel);
  await ground.job("job.yaml", smallJob(rounds, training));
}

/** What was told of attempts that did not count. */
export function troubles(events: readonly JobEvent[]): readonly JobEvent[] {
  return events.filter(({ event }) => event === "task.failed" || event === "task.retried");
}
