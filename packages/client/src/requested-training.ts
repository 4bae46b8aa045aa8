import { dirname, join } from "node:path";
import { keys, type DatasetSpec, type JobId, type JobSpec, type ObjectStore } from "@stampede/core";
import { readModelFile } from "@stampede/runtime";
import { exists, findRequest, readResult, readSpec, type WantedJob } from "@stampede/training";
import { endedBadly, notResumable, readBeginning } from "@stampede/training/jobs";
import { lookUntil } from "./look-until.js";
import type { Tell } from "./training-run.js";
import type { Cluster, TrainRequest } from "./types.js";

/** Of a cluster whose store this process sees. */
type RequestHere = TrainRequest & { readonly cluster: Cluster };

interface WaitDeps {
  readonly store: ObjectStore;
  readonly tell: Tell;
}

/**
 * Asks the cloud to prepare a job where that can be done, and waits until it is stored there. It can be done where the cluster does it, the
 * model is data (a model.json: none of the user's code runs in the cloud) and all files lie at `s3://`, where functions read them side by
 * side. Any other job is prepared by this process, as all jobs of this machine are: a model that is a program is compiled where the program
 * is, and files of a disk are read where the disk is.
 *
 * @returns undefined where it is this process that has to prepare the job
 * @throws StampedeError input that is refused at once; what the cloud found wrong with model or data, as the job's own error; `job.interrupted`
 *   when `signal` aborts, and the job goes on
 */
export async function trainByRequest(request: RequestHere, { store, tell }: WaitDeps): Promise<JobSpec | undefined> {
  const { job: file, model, cluster, signal } = request;
  if (cluster.request === undefined || model.type !== "file" || !isInCloud(file.data)) return undefined;
  const { name, compile, data, training, engine } = file;
  const wanted: WantedJob = {
    name,
    ...(compile && { compile }),
    data,
    training,
    ...(engine && { engine }),
    model: new TextDecoder().decode(await readModelFile(model.path)),
    readFile: async (weights) => readModelFile(join(dirname(model.path), weights)),
    capacity: cluster.capacity,
  };
  signal?.throwIfAborted();
  const job = await cluster.request(wanted);
  request.onRequested?.(job);
  const spec = await awaitPrepared(job, store, signal);
  tell((await readBeginning(store, spec, undefined)).submitted);
  return spec;
}

/**
 * Waits for a job that is only requested; others are there already, or nowhere.
 * @throws StampedeError `job.not-resumable` for one that has ended before it was stored; as `trainByRequest`
 */
export async function resumeRequested(job: JobId, request: RequestHere, store: ObjectStore): Promise<void> {
  const { cluster, signal } = request;
  if ((await exists(store, keys.spec(job))) || (await findRequest(store, job)) === undefined) return;
  const result = await readResult(store, job);
  if (result !== undefined) throw notResumable(job, result);
  request.onRequested?.(job);
  // Its message may be lost; the sweeper would find out in minutes.
  await cluster.wake(job);
  await awaitPrepared(job, store, signal);
}

/** @throws StampedeError the job's own reason when it ended before it was stored */
async function awaitPrepared(job: JobId, store: ObjectStore, signal: AbortSignal | undefined): Promise<JobSpec> {
  const look = async (): Promise<JobSpec | undefined> => {
    const result = await readResult(store, job);
    if (await exists(store, keys.spec(job))) return readSpec(store, job);
    if (result !== undefined) throw endedBadly(job, result);
    return undefined;
  };
  return lookUntil(job, look, signal);
}

function isInCloud({ train, validation }: TrainRequest["job"]["data"]): boolean {
  return [train, ...(validation === undefined ? [] : [validation])].every((dataset) => {
    const files = filesOf(dataset);
    return files.length > 0 && files.every((name) => /^s3:\/\//i.test(name));
  });
}

function filesOf(dataset: DatasetSpec): readonly string[] {
  const fields = [dataset.features ?? [], dataset.labels ?? []].flat();
  return ["file" in dataset ? dataset.file : [], ...fields.map(({ file = [] }) => file)].flat();
}
