import type { GraphDType } from "./data-types.js";
import { invalidGraph } from "./read-graph.js";
import { tensorMessage } from "./tensor-message.js";
import { MessageWriter, readMessage } from "./wire.js";

/** Field numbers in onnx.proto. */
const graphOfModel = 7;
const initializerOfGraph = 5;
const inputOfGraph = 11;
const nameOfInput = 1;

export interface BoundInput {
  readonly dtype: GraphDType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/**
 * The same graph with inputs replaced by constants. onnxruntime prepares constant weights once, in the layout that its fastest kernels
 * want; weights that are fed it takes as they come. For graphs that run many times with the same weights.
 * @param place names the file in messages
 * @throws StampedeError `graph.invalid` when the bytes are damaged
 */
export function bindInputs(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, BoundInput>,
  place: string,
): Uint8Array<ArrayBuffer> {
  try {
    const model = new MessageWriter();
    for (const { field, value } of readMessage(bytes)) {
      if (typeof value === "number") model.integer(field, value);
      else if (field === graphOfModel) model.message(field, boundGraph(value, inputs));
      else model.bytes(field, value);
    }
    return model.finish();
  } catch (cause) {
    throw invalidGraph(place, cause instanceof Error ? cause.message : "damaged bytes", cause);
  }
}

function boundGraph(bytes: Uint8Array, inputs: ReadonlyMap<string, BoundInput>): MessageWriter {
  const graph = new MessageWriter();
  for (const { field, value } of readMessage(bytes)) {
    if (typeof value === "number") graph.integer(field, value);
    else if (field !== inputOfGraph || !inputs.has(inputName(value))) graph.bytes(field, value);
  }
  for (const [name, { dtype, shape, data }] of inputs) {
    graph.message(initializerOfGraph, tensorMessage(name, dtype, shape, data));
  }
  return graph;
}

function inputName(bytes: Uint8Array): string {
  for (const { field, value } of readMessage(bytes)) {
    if (field === nameOfInput && typeof value !== "number") return new TextDecoder().decode(value);
  }
  return "";
}
