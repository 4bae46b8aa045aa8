import { StampedeError, tensorOf, type NamedTensors, type NumericArray, type Tensor } from "@stampede/core";
import type * as Ort from "onnxruntime-node";
import { loadOrt } from "./ort.js";

/** onnxruntime computes on the array itself: it is neither copied nor may it change meanwhile. */
export function toOrt(data: NumericArray, shape: readonly number[]): Ort.Tensor {
  const { dtype, data: values } = tensorOf(unshared(data), shape);
  return new (loadOrt().Tensor)(dtype, values, shape);
}

/** onnxruntime's binding for Node.js cannot read memory that threads share. */
function unshared(data: NumericArray): NumericArray {
  return data.buffer instanceof SharedArrayBuffer ? data.slice() : data;
}

/** Copies, so that nobody else's changes reach them. */
export function takeOver(tensors: NamedTensors): Map<string, Ort.Tensor> {
  return new Map([...tensors].map(([name, { data, shape }]) => [name, toOrt(data.slice(), shape)]));
}

/** Copies, which belong to the caller. */
export function copiesOf(tensors: ReadonlyMap<string, Ort.Tensor>): Map<string, Tensor> {
  return new Map([...tensors].map(([name, { data, dims }]) => [name, tensorOf(numbersOf(data).slice(), [...dims])]));
}

function numbersOf(data: Ort.Tensor["data"]): NumericArray {
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  throw new StampedeError("graph.invalid", "Expected a graph with results in float32 or int32. Its results are lost.");
}

export function floatsOf(tensor: Ort.Tensor | undefined): Float32Array {
  const data = tensor?.data;
  if (data instanceof Float32Array) return data;
  const message = `Expected a graph with results in float32, found ${tensor?.type ?? "none"}. Its results are lost.`;
  throw new StampedeError("graph.invalid", message);
}
