import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCommandLine } from "@stampede/cli";
import type { JobFileInput } from "@stampede/core";
import { fakeHost } from "../../unit/cli/fake-host.js";
import { Run, type Ended } from "./cli.js";

/** A temporary folder as a user's project: job files, models and data; a store of its own. */
export class Workshop {
  readonly folder: string;
  readonly home: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.home = join(folder, "store");
  }

  static async open(): Promise<Workshop> {
    const folder = await mkdtemp(join(tmpdir(), "stampede-e2e-"));
    // What `npm install` would have put there.
    await symlink(join(import.meta.dirname, "../../../node_modules"), join(folder, "node_modules"));
    const workshop = new Workshop(folder);
    await workshop.write("model.mjs", model());
    await workshop.write("points.csv", points(60));
    await workshop.write("test.csv", points(24, 7));
    return workshop;
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await mkdir(dirname(this.path(name)), { recursive: true });
    await writeFile(this.path(name), content);
  }

  /** Writes a job file: JSON is YAML too. */
  async job(name: string, job: object): Promise<string> {
    await this.write(name, JSON.stringify(job, undefined, 2));
    return name;
  }

  start(...words: string[]): Run {
    return new Run(words, { cwd: this.folder, home: this.home });
  }

  run(...words: string[]): Promise<Ended> {
    return this.start(...words).ended;
  }

  /** The same in this process, which starts nothing anew: a second of a processor less. Its folder becomes this process's. */
  async runHere(...words: string[]): Promise<Ended> {
    process.chdir(this.folder);
    const host = fakeHost({ cwd: this.folder, env: { ...process.env, STAMPEDE_HOME: this.home, NO_COLOR: "1" } });
    const code = await runCommandLine(words, host);
    return { code, signal: null, stdout: host.stdout.written.join(""), stderr: host.stderr.written.join("") };
  }
}

/** A job that learns which side of a line a point lies on: 60 rows, well under a second of computing. */
export const pointsJob = {
  name: "points",
  model: "./model.mjs",
  data: {
    train: {
      format: "csv",
      file: "points.csv",
      features: { columns: ["x", "y"] },
      labels: { column: "side", oneHot: 2 },
    },
  },
  training: { executors: 2, epochs: 3, batchSize: 8, seed: 11 },
} satisfies JobFileInput;

/** The job above while a test changes it, also into what a job file must not be. */
export interface JobDraft {
  model: unknown;
  data: { train: Record<string, unknown>; validation?: unknown; validationSplit?: unknown };
  training: Record<string, unknown>;
}

/** A copy with changes, so that tests cannot disturb each other. */
export function changed(change: (job: JobDraft) => void): JobDraft {
  const copy: JobDraft = structuredClone(pointsJob);
  change(copy);
  return copy;
}

interface ModelOptions {
  readonly inputs?: number;
  readonly units?: number;
  readonly compile?: string;
}

export function model({ inputs = 2, units = 2, compile }: ModelOptions = {}): string {
  const compiled = compile ?? '{ optimizer: train.adam(0.05), loss: "categoricalCrossentropy", metrics: ["accuracy"] }';
  return `import { train } from "@tensorflow/tfjs-core";
import { layers, sequential } from "@tensorflow/tfjs-layers";
export default function build() {
  const model = sequential({
    layers: [
      layers.dense({ units: 8, activation: "tanh", inputShape: [${inputs}] }),
      layers.dense({ units: ${units}, activation: "softmax" }),
    ],
  });
  ${compiled === "" ? "" : `model.compile(${compiled});`}
  return model;
}
`;
}

/** The model above with a layer and a loss of the user's own. */
export function customModel(call = "tf.mul(input, 2)"): string {
  return model({ compile: '{ optimizer: train.adam(0.05), loss: crossEntropy, metrics: ["accuracy"] }' })
    .replace(
      "export default",
      `import * as tf from "@tensorflow/tfjs-core";
class Scaling extends layers.Layer {
  static className = "Scaling";
  computeOutputShape(shape) { return shape; }
  call(inputs) {
    const [input] = [inputs].flat();
    return ${call};
  }
}
tf.serialization.registerClass(Scaling);
function crossEntropy(labels, predictions) {
  return tf.neg(tf.sum(tf.mul(labels, tf.log(tf.add(predictions, 1e-6))), -1));
}
export default`,
    )
    .replace(
      "    ],\n",
      '      new Scaling({ name: "scale" }),\n      layers.activation({ activation: "softmax" }),\n    ],\n',
    );
}

/** Points of a low-discrepancy sequence: the same ones every time, none near the line. */
export function points(rows: number, from = 1): string {
  const lines = ["x,y,side"];
  for (let index = from; lines.length <= rows; index++) {
    const x = (index * 0.754_877_666) % 1;
    const y = (index * 0.569_840_291) % 1;
    if (Math.abs(x - y) > 0.1) lines.push(`${x.toFixed(6)},${y.toFixed(6)},${x > y ? 1 : 0}`);
  }
  return `${lines.join("\n")}\n`;
}
