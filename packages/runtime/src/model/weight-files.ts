import {
  bytesPerElement,
  sizeOf,
  StampedeError,
  tensorOf,
  viewOf,
  type NamedTensors,
  type Tensor,
} from "@stampede/core";
import type { ModelJson, WeightSpec } from "./model-json.js";

/** Reads a file that stands beside the model.json. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

type Manifest = NonNullable<ModelJson["weightsManifest"]>;

/** All weights in one sequence of bytes, cut into files. */
export function encodeWeightFiles(
  weights: NamedTensors,
  maxShardBytes: number,
): {
  readonly manifest: Manifest;
  readonly files: Readonly<Record<string, Uint8Array>>;
} {
  const total = [...weights.values()].reduce((bytes, { data }) => bytes + data.byteLength, 0);
  const whole = new Uint8Array(total);
  let at = 0;
  for (const { data } of weights.values()) {
    whole.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  const shards = Math.max(1, Math.ceil(total / maxShardBytes));
  const paths = Array.from({ length: shards }, (_, index) => shardName(index, shards));
  const files: Record<string, Uint8Array> = {};
  for (const [index, path] of paths.entries()) {
    files[path] = whole.subarray(index * maxShardBytes, (index + 1) * maxShardBytes);
  }
  const specs = [...weights].map(([name, { dtype, shape }]) => ({ name, shape: [...shape], dtype }));
  return { manifest: [{ paths, weights: specs }], files };
}

function shardName(index: number, shards: number): string {
  return shards === 1 ? "weights.bin" : `weights-${index + 1}of${shards}.bin`;
}

/**
 * The model's weights from the files of a manifest; an optimizer's state in it is left out.
 * @throws StampedeError `model.invalid` when a name is missing from a file's path, occurs twice or does not fit the files' sizes;
 *   `model.unsupported` for quantised weights and dtypes other than float32 and int32
 */
export async function decodeWeightFiles(manifest: Manifest, readFile: ReadFile): Promise<Map<string, Tensor>> {
  const tensors = new Map<string, Tensor>();
  for (const { paths, weights } of manifest) {
    paths.forEach(refuseOutside);
    const bytes = concatenated(await Promise.all(paths.map(readFile)));
    let at = 0;
    for (const spec of weights) {
      const length = sizeOf(spec.shape) * bytesPerElement[dtypeOf(spec)];
      if (at + length > bytes.byteLength) throw wrongSize(paths, spec.name, at + length, bytes.byteLength);
      if (tensors.has(spec.name)) throw invalid(`each weight once, found "${spec.name}" twice`);
      if (spec.group !== "optimizer") tensors.set(spec.name, tensorAt(bytes, at, spec));
      at += length;
    }
    if (at !== bytes.byteLength) throw wrongSize(paths, "all weights", at, bytes.byteLength);
  }
  return tensors;
}

/** The path stands in a file that somebody else wrote. */
function refuseOutside(path: string): void {
  const isInside = !path.startsWith("/") && !path.includes("\\") && !path.split("/").includes("..");
  if (!isInside) throw invalid(`weight files beside the model.json, found "${path}"`);
}

function tensorAt(bytes: Uint8Array, at: number, spec: WeightSpec): Tensor {
  const dtype = dtypeOf(spec);
  const count = sizeOf(spec.shape);
  // A copy, because `at` need not be a multiple of the element's size; `slice` of a Buffer would be a view.
  const { buffer } = new Uint8Array(bytes.subarray(at, at + count * bytesPerElement[dtype]));
  return tensorOf(viewOf(dtype, buffer, 0, count), spec.shape);
}

function dtypeOf({ name, dtype, quantization }: WeightSpec): "float32" | "int32" {
  if (quantization === undefined && (dtype === "float32" || dtype === "int32")) return dtype;
  const found = quantization === undefined ? dtype : "a quantised one";
  const message = `Expected weight "${name}" as float32 or int32, found ${found}. Nothing was started.`;
  throw new StampedeError("model.unsupported", message, { details: { weight: name } });
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function wrongSize(paths: readonly string[], what: string, wanted: number, found: number): StampedeError {
  return invalid(`${wanted} bytes in ${paths.join(", ")} for ${what}, found ${found}`);
}

function invalid(expected: string): StampedeError {
  return new StampedeError("model.invalid", `Expected ${expected}. Nothing was started.`);
}
