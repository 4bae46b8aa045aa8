import { bytesPerElement, sha256Hex, sizeOf, StampedeError, type JobRequest } from "@stampede/core";
import * as z from "zod";

/** Reads a file that stands beside the model.json. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** All of them are in memory at once where they are read, beside the model that is built. */
const maxBytes = 2 ** 30;
/** The name that the only weight file of a requested model has. */
const weightsFile = "weights.bin";

const Manifest = z.array(
  z.object({ paths: z.array(z.string().min(1)), weights: z.array(z.record(z.string(), z.json())) }),
);

interface RequestedModel {
  readonly model: JobRequest["model"];
  /** The bytes of all weight files, one after the other. */
  readonly weights: Uint8Array | undefined;
}

/**
 * A model and its weight files as they are stored: as one file.
 *
 * @param json as `modelJsonOf` answered it
 * @param readFile without it the weights are drawn from the job's seed, whatever the manifest says
 * @throws StampedeError `model.invalid` for a manifest of another form and for too many bytes; what `readFile` throws
 */
export async function joinWeights(json: JobRequest["model"]["json"], readFile?: ReadFile): Promise<RequestedModel> {
  const { weightsManifest, ...rest } = json;
  if (readFile === undefined || weightsManifest === undefined) return { model: { json: rest }, weights: undefined };
  const manifest = Manifest.safeParse(weightsManifest);
  if (!manifest.success) throw refuse("a weightsManifest with paths and weights", "another form", manifest.error);
  const announced = manifest.data.flatMap(({ weights }) => weights).reduce((sum, spec) => sum + bytesOf(spec), 0);
  if (announced > maxBytes) throw refuse(`weights of at most ${maxBytes} bytes`, String(announced));
  const files: Uint8Array[] = [];
  let bytes = 0;
  for (const path of manifest.data.flatMap(({ paths }) => paths)) {
    const file = await readFile(path);
    bytes += file.byteLength;
    if (bytes > maxBytes) throw refuse(`weights of at most ${maxBytes} bytes`, "more");
    files.push(file);
  }
  if (files.length === 0) return { model: { json: rest }, weights: undefined };
  const weights = Buffer.concat(files);
  const joined = [{ paths: [weightsFile], weights: manifest.data.flatMap((group) => group.weights) }];
  const stored = { bytes, sha256: sha256Hex(weights) };
  return { model: { json: { ...rest, weightsManifest: joined }, weights: stored }, weights };
}

const Sized = z.object({ shape: z.array(z.number().int().min(0)), dtype: z.enum(["float32", "int32"]) });

/** Whoever decodes the weights finds out what is wrong with them; here only what they would take counts. */
function bytesOf(spec: unknown): number {
  const sized = Sized.safeParse(spec);
  return sized.success ? sizeOf(sized.data.shape) * bytesPerElement[sized.data.dtype] : 0;
}

function refuse(expected: string, found: string, cause?: unknown): StampedeError {
  return new StampedeError("model.invalid", `Expected ${expected}, found ${found}. Nothing was started.`, { cause });
}
