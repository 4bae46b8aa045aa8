import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import { operations, Upload, UploadDone } from "@stampede/api/contract";
import { DatasetSpec, StampedeError } from "@stampede/core";
import type { HttpCluster } from "./http-cluster.js";

/** Uploads a file of the disk, and answers what a job names it by. Each part is read from the disk as it is sent. */
async function uploadFile(path: string, { endpoint }: HttpCluster): Promise<string> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const source = (start: number, bytes: number): ReadableStream<Uint8Array> =>
    Readable.toWeb(createReadStream(path, { start, end: start + bytes - 1 }));
  return upload({ name: nameOf(path), bytes: facts.size }, source, endpoint);
}

export async function uploadBytes(name: string, bytes: Uint8Array, { endpoint }: HttpCluster): Promise<string> {
  const source = (start: number, count: number): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.subarray(start, start + count));
        controller.close();
      },
    });
  return upload({ name, bytes: bytes.length }, source, endpoint);
}

async function upload(
  file: { readonly name: string; readonly bytes: number },
  source: (start: number, bytes: number) => ReadableStream<Uint8Array>,
  endpoint: HttpCluster["endpoint"],
): Promise<string> {
  const started = await endpoint.read(Upload, operations.startUpload, { json: file });
  const etags: string[] = [];
  let start = 0;
  for (const { url, bytes } of started.parts) {
    etags.push((await endpoint.put(url, source(start, bytes), bytes)) ?? "");
    start += bytes;
  }
  const session = started.session === undefined ? {} : { session: started.session, etags };
  const call = { params: { upload: started.upload }, json: { ...file, ...session } };
  return (await endpoint.read(UploadDone, operations.completeUpload, call)).file;
}

/** Uploads the files of a data set that lie on this disk; those at `s3://` are read by whoever runs the job. */
export async function uploadDataset(
  dataset: DatasetSpec,
  baseFolder: string,
  cluster: HttpCluster,
  done: Map<string, Promise<string>> = new Map(),
): Promise<DatasetSpec> {
  const one = (name: string): Promise<string> => {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(name)) return Promise.resolve(name);
    const path = resolve(baseFolder, name);
    const uploaded = done.get(path) ?? uploadFile(path, cluster);
    done.set(path, uploaded);
    return uploaded;
  };
  const moved = async (value: unknown): Promise<unknown> => {
    if (Array.isArray(value)) return Promise.all(value.map(moved));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(async ([key, inner]): Promise<[string, unknown]> => {
      if (key !== "file") return [key, await moved(inner)];
      return [
        key,
        Array.isArray(inner) ? await Promise.all(inner.map((each) => one(String(each)))) : await one(String(inner)),
      ];
    });
    return Object.fromEntries(await Promise.all(entries));
  };
  return DatasetSpec.parse(await moved(dataset));
}

/** What is left of a file's name when all is gone that an upload's may not have. */
function nameOf(path: string): string {
  const name = basename(path)
    .replaceAll(/[^A-Za-z0-9._-]/g, "_")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(-128);
  return name === "" ? "data" : name;
}

function unreadable(path: string, cause: unknown): StampedeError {
  const message = `Cannot read the data file ${path}: ${String(cause)}. Nothing was started.`;
  return new StampedeError("data.not-readable", message, { details: { file: path }, cause });
}
