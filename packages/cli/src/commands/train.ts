import { join, resolve } from "node:path";
import { parseJobId, type JobFile } from "@stampede/core";
import { chooseCluster, type ClusterName, type ClusterOptions } from "../cluster.js";
import type { ExitCode } from "../exit-code.js";
import type { Host } from "../host.js";
import { readJobFile } from "../input/job-file.js";
import { modelSource } from "../input/model-module.js";
import { parseOverride, type Override } from "../input/overrides.js";
import { trainSummary } from "../present/summary.js";
import * as text from "../present/text.js";
import { runJob, type JobCommand } from "../run-job.js";
import { shorterPath } from "./shorter-path.js";

export interface TrainOptions extends ClusterOptions {
  readonly set: readonly string[];
  readonly executors?: string;
  readonly out?: string;
  readonly overwrite?: boolean;
  readonly resume?: string;
  readonly json?: boolean;
}

/** `stampede train JOB.yaml` */
export function train(host: Host, jobPath: string, options: TrainOptions): Promise<ExitCode> {
  return runJob(host, options.json === true, () => prepare(host, jobPath, options));
}

async function prepare(host: Host, jobPath: string, options: TrainOptions): Promise<JobCommand> {
  const cluster = chooseCluster(host, options);
  const resume = options.resume === undefined ? undefined : parseJobId(options.resume);
  const path = resolve(host.cwd, jobPath);
  const baseFolder = resolve(path, "..");
  const file = await readJobFile(path, jobPath, overridesOf(options));
  const model = await modelSource(file.model, baseFolder);
  return {
    epochs: file.training.epochs,
    cluster,
    plan: planLines(file),
    run: (client, opened, hooks) =>
      client.train({
        job: file,
        model,
        baseFolder,
        cluster: opened,
        ...(options.out !== undefined && { out: resolve(host.cwd, options.out) }),
        ...(options.overwrite === true && { overwrite: true }),
        ...(resume !== undefined && { resume }),
        ...hooks,
      }),
    summary: (view, outcome) =>
      trainSummary(view, outcome, {
        validationName: file.data.validation === undefined ? "Validation" : "Test",
        path: (long) => shorterPath(host.cwd, long),
      }),
    resume: (job) => resumeCommand(jobPath, options, cluster.name, job),
    save: (job) =>
      resumeCommand(jobPath, { ...options, out: options.out ?? join("stampede-out", job) }, cluster.name, job),
  };
}

function overridesOf({ set, executors }: TrainOptions): Override[] {
  const overrides = set.map((each) => parseOverride("--set", each));
  if (executors === undefined) return overrides;
  const { value } = parseOverride("--executors", `training.executors=${executors}`);
  return [...overrides, { option: `--executors ${executors}`, path: ["training", "executors"], value }];
}

/** What is about to happen. Its limits are told when the job is submitted, whoever submits it. */
function planLines({ name, training }: JobFile): string[] {
  const { executors, mode, frequency, epochs, batchSize, seed } = training;
  const exchange =
    typeof frequency === "string" ? `every ${frequency}` : `every ${text.counted(frequency.steps, "batch", "batches")}`;
  return [
    `${text.printable(name)}: ${text.counted(executors, "executor")}, ${text.counted(epochs, "epoch")}, batch size ${batchSize}, ${mode}, weights exchanged ${frequency === "fit" ? "once" : exchange}, seed ${seed}`,
  ];
}

function resumeCommand(jobPath: string, options: TrainOptions, cluster: ClusterName, job: string): string {
  const words = [
    jobPath,
    ...options.set.flatMap((each) => ["--set", each]),
    ...(options.executors === undefined ? [] : ["--executors", options.executors]),
    ...(cluster === "local" ? [] : ["--cluster", cluster]),
    ...(options.isolation === undefined ? [] : ["--isolation", options.isolation]),
    ...(options.out === undefined ? [] : ["--out", options.out]),
    ...(options.overwrite === true ? ["--overwrite"] : []),
    ...(options.json === true ? ["--json"] : []),
    "--resume",
    job,
  ];
  return `stampede train ${words.map(text.shellWord).join(" ")}`;
}
