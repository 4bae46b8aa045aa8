import { resolve } from "node:path";
import type { InferenceRequest } from "@stampede/client";
import { StampedeError } from "@stampede/core";
import { chooseCluster, type ClusterOptions } from "../cluster.js";
import type { ExitCode } from "../exit-code.js";
import type { Host } from "../host.js";
import { readDataFile } from "../input/data-file.js";
import { evaluateSummary, predictSummary } from "../present/summary.js";
import { runJob } from "../run-job.js";
import { shorterPath } from "./shorter-path.js";

export interface EvaluateOptions extends ClusterOptions {
  readonly data: string;
  readonly executors?: string;
  readonly json?: boolean;
}

export interface PredictOptions extends EvaluateOptions {
  readonly out: string;
  readonly overwrite?: boolean;
}

/** As in a job file. */
const maxExecutors = 10_000;

/** `stampede evaluate MODEL_DIR --data DATA.yaml` */
export function evaluate(host: Host, modelFolder: string, options: EvaluateOptions): Promise<ExitCode> {
  return runJob(host, options.json === true, async () => {
    const cluster = chooseCluster(host, options);
    const request = await readRequest(host, modelFolder, options);
    return {
      cluster,
      plan: [],
      run: (client, opened, hooks) => client.evaluate({ ...request, cluster: opened, ...hooks }),
      summary: evaluateSummary,
    };
  });
}

/** `stampede predict MODEL_DIR --data DATA.yaml --out FILE` */
export function predict(host: Host, modelFolder: string, options: PredictOptions): Promise<ExitCode> {
  return runJob(host, options.json === true, async () => {
    const cluster = chooseCluster(host, options);
    const request = await readRequest(host, modelFolder, options);
    const out = resolve(host.cwd, options.out);
    return {
      cluster,
      plan: [],
      run: (client, opened, hooks) =>
        client.predict({ ...request, out, overwrite: options.overwrite === true, cluster: opened, ...hooks }),
      summary: (view, outcome) => predictSummary(view, outcome, { path: (path) => shorterPath(host.cwd, path) }),
    };
  });
}

async function readRequest(
  host: Host,
  modelFolder: string,
  options: EvaluateOptions,
): Promise<Omit<InferenceRequest, "cluster">> {
  const executors = executorCount(options.executors);
  const dataPath = resolve(host.cwd, options.data);
  return {
    modelFolder: resolve(host.cwd, modelFolder),
    data: await readDataFile(dataPath, options.data),
    baseFolder: resolve(dataPath, ".."),
    ...(executors !== undefined && { executors }),
  };
}

function executorCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 1 && value <= maxExecutors) return value;
  throw new StampedeError(
    "option.invalid",
    `Expected --executors to be a whole number 1 ... ${maxExecutors}, found ${JSON.stringify(text)}. Nothing was started.`,
  );
}
