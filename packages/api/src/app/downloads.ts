import {
  keys,
  type ArtifactName,
  type Field,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { loadManifest, predictionChunks } from "@stampede/data";
import { exists, findRequest, readSpec } from "@stampede/training";
import { readPredictions } from "@stampede/training/jobs";
import { operations } from "../contract/operations.js";
import type { ApiDeps } from "./deps.js";
import { succeeded } from "./jobs.js";
import type { Router } from "./route.js";
import { tarOf } from "./tar.js";

/** How long an address to download from is good. */
const addressSeconds = 300;
/** What one read of the store takes. */
const chunkBytes = 4 * 2 ** 20;

/** What jobs come to, as files. */
export function downloadRoutes(router: Router, deps: ApiDeps): void {
  router.route(operations.downloadModel, async ({ params: { job } }) => {
    const { spec, result } = await succeeded(job, "train", deps);
    await makeOnce(job, "model.tar", () => modelArchive(spec, result, deps), deps.store);
    return send(job, "model.tar", "application/x-tar", deps);
  });

  router.route(operations.downloadPredictions, async ({ params: { job }, query: { format } }) => {
    const { spec } = await succeeded(job, "predict", deps);
    const name = `predictions.${format}` as const;
    await makeOnce(job, name, () => predictionFile(spec, format, deps), deps.store);
    return send(job, name, types[format], deps);
  });
}

const types = {
  csv: "text/csv; charset=utf-8",
  jsonl: "application/x-ndjson",
  npy: "application/octet-stream",
} as const;

async function predictionFile(spec: JobSpec, format: keyof typeof types, { store }: ApiDeps): Promise<Uint8Array> {
  const outputs = await readPredictions(store, spec);
  const labels = await labelsFor(spec.job, store);
  return Buffer.concat([...predictionChunks(format, outputs, labels)]);
}

/** The labels of the data that the model was trained on: what its outputs are called by. */
async function labelsFor(job: JobId, store: ObjectStore): Promise<readonly Field[]> {
  const request = await findRequest(store, job);
  if (request === undefined || !("kind" in request)) return [];
  const { dataset } = await readSpec(store, request.of);
  const { fields } = await loadManifest(store, dataset);
  return fields.filter(({ role }) => role === "label");
}

/** Made when it is first asked for, and kept: the same job has the same bytes. */
async function makeOnce(
  job: JobId,
  name: ArtifactName,
  make: () => Promise<Uint8Array>,
  store: ObjectStore,
): Promise<void> {
  const key = keys.artifact(job, name);
  if (!(await exists(store, key))) await store.create(key, await make());
}

async function modelArchive(spec: JobSpec, result: JobResult, { store }: ApiDeps): Promise<Uint8Array> {
  // With it comes all that knows models.
  const { readTrainedModel, savedModelFiles } = await import("@stampede/training/saved-model");
  const request = await findRequest(store, spec.job);
  const saved = await readTrainedModel(
    store,
    spec,
    result,
    request === undefined || "kind" in request ? undefined : request.data.train,
  );
  return tarOf(savedModelFiles(saved), result.endedAt);
}

/** Sends an artifact, or says where it is. */
async function send(job: JobId, name: ArtifactName, type: string, deps: ApiDeps): Promise<Response> {
  const { store, transfer } = deps;
  const key = keys.artifact(job, name);
  const fileName = `${job}-${name}`;
  if (transfer.by === "addresses") {
    const location = await transfer.presigner.get(key, { seconds: addressSeconds, fileName, type });
    return new Response(null, { status: 302, headers: { Location: location } });
  }
  const bytes = (await store.head(key))?.bytes ?? 0;
  const headers = {
    "Content-Type": type,
    "Content-Length": String(bytes),
    "Content-Disposition": `attachment; filename="${fileName}"`,
  };
  return new Response(inChunks(store, key, bytes), { headers });
}

/** An object at the pace of its reader. */
function inChunks(store: ObjectStore, key: string, bytes: number): ReadableStream<Uint8Array> {
  let position = 0;
  return new ReadableStream({
    async pull(controller) {
      const end = Math.min(bytes, position + chunkBytes);
      const chunk = await store.get(key, { start: position, end });
      if (chunk === undefined) throw new Error(`${key} is gone`);
      controller.enqueue(chunk.body);
      position = end;
      if (position >= bytes) controller.close();
    },
  });
}
