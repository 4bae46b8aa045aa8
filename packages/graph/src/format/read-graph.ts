import { parseInput, StampedeError } from "@stampede/core";
import { GraphManifest } from "./manifest.js";
import { readMessage } from "./wire.js";

/** The entry of the ONNX model's metadata that holds the manifest as JSON. */
export const manifestKey = "stampede.manifest";

/** Field numbers of ModelProto and of StringStringEntryProto in onnx.proto. */
const metadataField = 14;
const entryKey = 1;
const entryValue = 2;
/** JSON of a manifest grows with the number of variables and columns; nobody has this many. */
const maxManifestBytes = 16 * 1024 * 1024;

/**
 * What a graph file says of itself. It is read without onnxruntime.
 * @param place names the file in messages
 * @throws StampedeError `graph.invalid` when the bytes are damaged, or no graph of Stampede
 */
export function readManifest(bytes: Uint8Array, place: string): GraphManifest {
  const text = manifestText(bytes, place);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalidGraph(place, "a manifest that is no JSON", cause);
  }
  return parseInput(GraphManifest, json, { code: "graph.invalid", what: place });
}

function manifestText(bytes: Uint8Array, place: string): string {
  try {
    for (const { field, value } of readMessage(bytes)) {
      if (field !== metadataField || typeof value === "number") continue;
      const entry = new Map([...readMessage(value)].map((part) => [part.field, part.value]));
      if (textOf(entry.get(entryKey)) !== manifestKey) continue;
      const text = entry.get(entryValue);
      if (text instanceof Uint8Array && text.length <= maxManifestBytes) return textOf(text);
    }
  } catch (cause) {
    throw invalidGraph(place, cause instanceof Error ? cause.message : "damaged bytes", cause);
  }
  throw invalidGraph(place, "an ONNX file without Stampede's manifest");
}

function textOf(value: number | Uint8Array | undefined): string {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}

export function invalidGraph(place: string, found: string, cause?: unknown): StampedeError {
  const message = `Expected a graph that Stampede compiled in ${place}, found ${found}. It was not run.`;
  return new StampedeError("graph.invalid", message, { details: { place }, cause });
}
