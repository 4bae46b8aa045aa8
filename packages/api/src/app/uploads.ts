import { keys, StampedeError, UploadId, type ObjectStore, type UploadName } from "@stampede/core";
import { parseUploadUri } from "@stampede/data";
import { operations } from "../contract/operations.js";
import type { StartUpload, Upload, UploadDone } from "../contract/schemas.js";
import { readBytes } from "./body.js";
import { noUpload } from "./data-places.js";
import type { ApiDeps, ApiLimits, Transfer } from "./deps.js";
import type { Router } from "./route.js";

/** How long an address to put a part to is good. */
const addressSeconds = 900;
/** S3 takes up to 10,000 parts, and 5 GiB as one. */
const partBytes = 64 * 2 ** 20;
const maxParts = 10_000;

/** Data files of users: asked for, put, completed. A job can name one when it is whole. */
export function uploadRoutes(router: Router, deps: ApiDeps): void {
  const { store, unique, transfer } = deps;
  const { limits } = router;

  router.route(operations.startUpload, async ({ body }) => {
    refuseLarge(body, limits);
    const upload = UploadId.parse(unique.hex(32));
    return { status: 201, json: await placesFor(upload, body, deps) };
  });

  router.route(operations.putUpload, async ({ params: { upload, name } }, { request }) => {
    if (transfer.by !== "endpoint") throw elsewhere();
    const bytes = await keep(upload, name, request, { store, limits });
    return { status: 201, json: done(upload, name, bytes) };
  });

  router.route(operations.completeUpload, async ({ params: { upload }, body }) => {
    const { name, bytes, session, etags } = body;
    if (session !== undefined) await join(transfer, { upload, name, session, etags: etags ?? [] });
    const key = keys.upload(upload, name);
    const found = await store.head(key);
    if (found === undefined) throw noUpload(uriOf(upload, name));
    if (found.bytes === bytes) return { status: 200, json: done(upload, name, bytes) };
    await store.delete(key);
    throw invalid(`${bytes} bytes of ${uriOf(upload, name)}`, `${found.bytes}, and removed them`);
  });
}

async function placesFor(upload: UploadId, { name, bytes }: StartUpload, deps: ApiDeps): Promise<Upload> {
  const { transfer, clock } = deps;
  const file = uriOf(upload, name);
  if (transfer.by === "endpoint") {
    return { upload, file, parts: [{ part: 1, url: `/v1/uploads/${upload}/${name}`, bytes }] };
  }
  const { presigner } = transfer;
  const key = keys.upload(upload, name);
  const expiresAt = clock.now() + addressSeconds * 1000;
  if (bytes <= partBytes) {
    const url = await presigner.put(key, { seconds: addressSeconds, bytes });
    return { upload, file, parts: [{ part: 1, url, bytes }], expiresAt };
  }
  const session = await presigner.startParts(key);
  const sizes = sizesOf(bytes);
  const parts = await Promise.all(
    sizes.map(async (size, index) => {
      const part = index + 1;
      const url = await presigner.putPart(key, { session, part, seconds: addressSeconds, bytes: size });
      return { part, url, bytes: size };
    }),
  );
  return { upload, file, session, parts, expiresAt };
}

function sizesOf(bytes: number): readonly number[] {
  const each = Math.max(partBytes, Math.ceil(bytes / maxParts));
  return Array.from({ length: Math.ceil(bytes / each) }, (_, index) => Math.min(each, bytes - index * each));
}

/** Nothing of a body that breaks off, or is too large, stays. */
async function keep(
  upload: UploadId,
  name: UploadName,
  request: Request,
  { store, limits }: { readonly store: ObjectStore; readonly limits: ApiLimits },
): Promise<number> {
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    const bounds = { maxBytes: limits.uploadBytes, pauseMs: limits.uploadPauseMs };
    for await (const chunk of readBytes(request, bounds)) {
      bytes += chunk.length;
      yield chunk;
    }
    if (bytes === 0) throw invalid("a file of at least one byte", "none");
  }
  const outcome = await store.create(keys.upload(upload, name), counted());
  if (outcome !== "conflict") return bytes;
  throw invalid("an upload that is not there yet", `${uriOf(upload, name)}, which stays as it is`);
}

async function join(
  transfer: Transfer,
  parts: {
    readonly upload: UploadId;
    readonly name: UploadName;
    readonly session: string;
    readonly etags: readonly string[];
  },
): Promise<void> {
  if (transfer.by === "endpoint") throw invalid("no session here", "one");
  await transfer.presigner.completeParts(keys.upload(parts.upload, parts.name), parts.session, parts.etags);
}

/** @throws StampedeError `upload.invalid` */
function refuseLarge({ bytes }: StartUpload, { uploadBytes }: ApiLimits): void {
  if (bytes > uploadBytes) throw invalid(`at most ${uploadBytes} bytes`, String(bytes));
}

/** Largest weights that are read whole: as for a model whose client reads them. */
const maxWeightBytes = 2 ** 30;

/**
 * Weight files that were uploaded as one: the first that is asked for has all of their bytes.
 * @throws StampedeError `upload.not-found`, `upload.invalid`
 */
export async function readUpload(uri: string, store: ObjectStore): Promise<(name: string) => Promise<Uint8Array>> {
  const { upload, name } = parseUploadUri(uri);
  const key = keys.upload(upload, name);
  const found = await store.head(key);
  if (found !== undefined && found.bytes > maxWeightBytes) {
    throw invalid(`weights of at most ${maxWeightBytes} bytes`, String(found.bytes));
  }
  const whole = await store.get(key);
  if (whole === undefined) throw noUpload(uri);
  let rest = whole.body;
  return async () => {
    const all = rest;
    rest = new Uint8Array(0);
    return all;
  };
}

function done(upload: UploadId, name: UploadName, bytes: number): UploadDone {
  return { upload, file: uriOf(upload, name), bytes };
}

function uriOf(upload: UploadId, name: UploadName): string {
  return `upload://${upload}/${name}`;
}

function elsewhere(): StampedeError {
  return invalid("the file at the addresses that POST /v1/uploads answers with", "it here");
}

function invalid(expected: string, found: string): StampedeError {
  return new StampedeError("upload.invalid", `Expected ${expected}, found ${found}. Nothing was started.`);
}
