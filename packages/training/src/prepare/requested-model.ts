import {
  isStampedeError,
  keys,
  sha256Hex,
  StampedeError,
  toErrorFacts,
  type JobRequest,
  type ObjectStore,
} from "@stampede/core";
import { modelFromJson, type DefinedModel } from "@stampede/runtime";
import { missing } from "../store/records.js";
import { initialWeightsKey, withGradients } from "./training-job.js";

/**
 * Builds the model of a request. No code of the user's runs: the JSON names classes of tfjs, and any others are refused.
 * @throws StampedeError `model.*`, `job-file.invalid` as for any model.json; `model.too-large` when it does not fit into the memory here;
 *   `store.missing`, `store.corrupt` for its weights
 */
export async function buildRequested(request: JobRequest, store: ObjectStore): Promise<DefinedModel> {
  const { model, compile, training } = request;
  const options = { seedKey: initialWeightsKey(training), compile };
  const { weights } = model;
  const readFile = (): Promise<Uint8Array> => readWeights(request, store);
  try {
    const defined = await modelFromJson(model.json, weights === undefined ? options : { ...options, readFile });
    return withGradients(defined, training);
  } catch (error) {
    throw asModelsFault(error);
  }
}

/** Building is a function of the JSON: what nobody foresaw happens again with the next attempt. */
function asModelsFault(cause: unknown): unknown {
  if (isStampedeError(cause)) return cause;
  const { code } = toErrorFacts(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code !== "task.out-of-memory") {
    return new StampedeError("model.unsupported", `tfjs cannot build the model: ${reason} Nothing was started.`, {
      cause,
    });
  }
  const message = `Expected a model that fits into the memory of the function that builds it, found: ${reason}. Nothing was started.`;
  return new StampedeError("model.too-large", message, { cause });
}

/** The request names one file only. Read twice where it is damaged: that may be on its way. */
async function readWeights({ job, model }: JobRequest, store: ObjectStore): Promise<Uint8Array> {
  const key = keys.requestedWeights(job);
  for (let read = 0; read < 2; read += 1) {
    const object = await store.get(key);
    if (object === undefined) throw missing(key);
    if (sha256Hex(object.body) === model.weights?.sha256) return object.body;
  }
  const message = `Expected the object ${key} to hold the weights that the job was requested with, found other bytes. The job cannot go on.`;
  throw new StampedeError("store.corrupt", message, { details: { key } });
}
