import { join } from "node:path";
import type { DatasetSpec, JobId, JobResult, JobSpec, ObjectStore } from "@stampede/core";
import { summaryOf } from "@stampede/training/jobs";
import { readTrainedModel } from "@stampede/training/saved-model";
import { HttpCluster } from "./http/http-cluster.js";
import { trainRemotely } from "./http/remote-training.js";
import { writeModelFolder } from "./model-folder.js";
import { checkOutput } from "./output.js";
import { prepareTraining } from "./prepare.js";
import { resumeRequested, trainByRequest } from "./requested-training.js";
import { readResumable, runToEnd, teller, type Tell } from "./training-run.js";
import type { Cluster, JobSucceeded, TrainRequest } from "./types.js";

/**
 * Trains a job to its end and saves the model under `out`, or goes on with an interrupted one.
 *
 * @throws StampedeError: an input error before anything was started; the job's own reason; `job.cancelled`;
 *   `job.interrupted` when `signal` aborts
 */
export async function train(request: TrainRequest): Promise<JobSucceeded> {
  const { cluster } = request;
  return cluster instanceof HttpCluster ? trainRemotely({ ...request, cluster }) : trainHere({ ...request, cluster });
}

type RequestHere = TrainRequest & { readonly cluster: Cluster };

async function trainHere(request: RequestHere): Promise<JobSucceeded> {
  const { job: file, cluster, signal, overwrite = false } = request;
  const began = performance.now();
  // Without `out` the folder is named after a job that has no id yet; any name in its place tells whether it can be written.
  const folderOf = (job: string): string => join(request.out ?? join("stampede-out", job), "model");
  await checkOutput(folderOf(request.resume ?? "new-job"), { overwrite, existsCode: "model.exists" });
  const store = await cluster.open();
  cluster.warm(file.engine);
  const tell = teller(cluster, request.onEvent);
  const resumed = request.resume !== undefined;
  const { spec, ended } = resumed
    ? await resume(request.resume, request, { store, tell })
    : { spec: await begin(request, { store, tell }), ended: undefined };
  // A job that has succeeded and whose process died before it saved the model has only that left to do.
  const result = ended ?? (await runToEnd(cluster, spec.job, { resumed, tell, signal }));
  const modelPath = await saveTrained(store, spec, result, {
    folder: folderOf(spec.job),
    overwrite,
    data: file.data.train,
  });
  const event = { ...(await summaryOf(store, spec, result, performance.now() - began)), modelPath };
  tell(event);
  return event;
}

interface Deps {
  readonly store: ObjectStore;
  readonly tell: Tell;
}

/** Stores a new job, here or in the cloud. */
async function begin(request: RequestHere, { store, tell }: Deps): Promise<JobSpec> {
  const requested = await trainByRequest(request, { store, tell });
  if (requested !== undefined) return requested;
  const { job: file, model, baseFolder, cluster, signal } = request;
  const { name, compile, data, training, engine } = file;
  const plan = { name, compile, data, training, engine, model, baseFolder };
  return prepareTraining(plan, { cluster, store, tell, signal });
}

async function resume(job: JobId, request: RequestHere, { store, tell }: Deps): ReturnType<typeof readResumable> {
  await resumeRequested(job, request, store);
  return readResumable(store, job, tell);
}

/** Writes the weights of a succeeded job as a model folder. */
async function saveTrained(
  store: ObjectStore,
  spec: JobSpec,
  result: JobResult,
  target: { readonly folder: string; readonly overwrite: boolean; readonly data: DatasetSpec },
): Promise<string> {
  const saved = await readTrainedModel(store, spec, result, target.data);
  return writeModelFolder(target.folder, saved, target.overwrite);
}
