import { dirname, join } from "node:path";
import { readFile } from "node:fs/promises";
import type { SubmitJobInput } from "@stampede/api/contract";
import { StampedeError, type JobEvent, type JobId, type JobSummary } from "@stampede/core";
import { defineModel, modelFiles, readModelFile } from "@stampede/runtime";
import { modelJsonOf, type ReadFile } from "@stampede/training";
import { initialWeightsKey } from "@stampede/training/prepare";
import * as z from "zod";
import { writeArchivedModel } from "../model-folder.js";
import { checkOutput } from "../output.js";
import { buildSeeded } from "../prepare.js";
import type { JobSucceeded, TrainRequest } from "../types.js";
import { isErrorCode } from "./endpoint.js";
import type { HttpCluster } from "./http-cluster.js";
import { uploadBytes, uploadDataset } from "./upload.js";

type RemoteRequest = Omit<TrainRequest, "cluster"> & { readonly cluster: HttpCluster };

/**
 * Trains a job where an endpoint runs it: the model's JSON and weights and the files of this disk go there, events and the model come back.
 * @throws StampedeError what the endpoint refuses; the job's own reason; `job.interrupted`, and the job goes on
 */
export async function trainRemotely(request: RemoteRequest): Promise<JobSucceeded> {
  const { cluster, signal, overwrite = false, onEvent = () => undefined } = request;
  const began = performance.now();
  const folderOf = (job: string): string => join(request.out ?? join("stampede-out", job), "model");
  await checkOutput(folderOf(request.resume ?? "new-job"), { overwrite, existsCode: "model.exists" });
  const job = request.resume ?? (await cluster.submit(await jobOf(request)));
  if (request.resume === undefined) request.onRequested?.(job);
  else await goOn(job, cluster);
  const last = await cluster.follow(job, onEvent, signal);
  if (last.event !== "job.succeeded") throw asError(last, job);
  const modelPath = await writeArchivedModel(folderOf(job), await cluster.model(job), overwrite);
  const event = { ...last, wallMs: performance.now() - began, modelPath };
  onEvent(event);
  return event;
}

/** One that has succeeded has only its model left to be saved. */
async function goOn(job: JobId, cluster: HttpCluster): Promise<void> {
  const { status, kind }: JobSummary = await cluster.show(job);
  if (kind !== "train" || status === "failed" || status === "cancelled") {
    const message = `Expected a training job to go on with, found ${job}, which is to ${kind} (${status}). Nothing was started.`;
    throw new StampedeError("job.not-resumable", message, { details: { job } });
  }
  if (status === "unfinished") await cluster.resume(job);
}

async function jobOf(request: RemoteRequest): Promise<SubmitJobInput> {
  const { job: file, baseFolder, cluster } = request;
  const { name, compile, data, training, engine } = file;
  const { json, weights } = await modelOf(request);
  const uploaded = new Map<string, Promise<string>>();
  const { train, validation, validationSplit } = data;
  return {
    name,
    model: json,
    ...(weights && { weights: await uploadBytes("weights.bin", weights, cluster) }),
    ...(compile && { compile }),
    data: {
      train: await uploadDataset(train, baseFolder, cluster, uploaded),
      ...(validation && { validation: await uploadDataset(validation, baseFolder, cluster, uploaded) }),
      ...(validationSplit !== undefined && { validationSplit }),
    },
    training,
    ...(engine && { engine }),
  };
}

const Manifest = z.array(z.looseObject({ paths: z.array(z.string()) }));

interface SentModel {
  readonly json: ReturnType<typeof modelJsonOf>;
  /** All weight files, one after the other; absent where the weights are drawn there, from the job's seed. */
  readonly weights: Uint8Array | undefined;
}

/** A model that is a program is built here, by the rules of a job that is prepared here: none of the user's code leaves this process. */
async function modelOf({ model, job: { training } }: RemoteRequest): Promise<SentModel> {
  if (model.type === "file") {
    const { path } = model;
    const json = modelJsonOf(new TextDecoder().decode(await readModelFile(path)));
    return { json, weights: await weightsOf(json, (name) => readModelFile(join(dirname(path), name))) };
  }
  const { definition, weights } = defineModel(await buildSeeded(model, initialWeightsKey(training)));
  const files = modelFiles(definition, weights);
  const json = modelJsonOf(new TextDecoder().decode(files["model.json"]));
  return { json, weights: await weightsOf(json, async (name) => files[name] ?? readFile(name)) };
}

async function weightsOf(json: SentModel["json"], read: ReadFile): Promise<Uint8Array | undefined> {
  const parsed = Manifest.safeParse(json["weightsManifest"] ?? []);
  if (!parsed.success) {
    const message = "Expected a weightsManifest with paths in the model.json, found another form. Nothing was started.";
    throw new StampedeError("model.invalid", message, { cause: parsed.error });
  }
  const files: Uint8Array[] = [];
  for (const path of parsed.data.flatMap(({ paths }) => paths)) files.push(await read(path));
  return files.length === 0 ? undefined : Buffer.concat(files);
}

/** The job's own reason. Of a code that this version does not know, the words remain. */
export function asError(last: JobEvent, job: JobId): StampedeError {
  const { code, message } = last.event === "job.failed" ? last : { code: "job.failed", message: "It did not succeed." };
  return isErrorCode(code)
    ? new StampedeError(code, message, { details: { job } })
    : new StampedeError("job.failed", `${code}: ${message}`, { details: { job } });
}
