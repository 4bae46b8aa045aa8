import { sizeOf } from "@stampede/core";
import type { BackendValues, DataId, DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs-core";
import { arrayFor } from "../ir/builder.js";
import { isConstant, elementsOf, type ConstantData, type GraphDType } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { Handle } from "./handle.js";
import type { Recording } from "./recording.js";
import { untraceable } from "./untraceable.js";

/** The name under which tfjs knows the recording backend. */
export const backendName = "stampede-recorder";

/** The trace that is under way in this thread; tfjs has one backend for all. */
let current: Recording | undefined;

export function activeRecording(): Recording {
  if (current === undefined) throw new Error("tfjs asked the recording backend for something outside of a trace");
  return current;
}

/** @returns what was active before */
export function activate(recording: Recording | undefined): Recording | undefined {
  const before = current;
  current = recording;
  return before;
}

/** A tfjs backend that has no data: values that are written become constants, and kernels (registered elsewhere) record nodes. */
export function makeBackend(): KernelBackend {
  const tf = loadCore();
  class RecordingBackend extends tf.KernelBackend {
    override refCount(dataId: DataId): number {
      return dataId instanceof Handle ? dataId.references : 1;
    }
    override incRef(dataId: DataId): void {
      if (dataId instanceof Handle) dataId.references += 1;
      else tf.engine().state.tensorInfo.get(dataId)?.backend.incRef(dataId);
    }
    decRef(dataId: DataId): void {
      if (dataId instanceof Handle) dataId.references -= 1;
    }
    override disposeData(dataId: DataId): boolean {
      if (!(dataId instanceof Handle)) return true;
      dataId.references -= 1;
      return dataId.references <= 0;
    }
    override numDataIds(): number {
      return 0;
    }
    override floatPrecision(): 16 | 32 {
      return 32;
    }
    override epsilon(): number {
      return 1e-7;
    }
    override memory(): { unreliable: boolean; reasons: string[] } {
      return { unreliable: true, reasons: [] };
    }
    override timerAvailable(): boolean {
      return false;
    }
    override write(values: BackendValues, shape: number[], dtype: DataType): DataId {
      const numbers = numbersOf(values, dtype);
      const value = activeRecording().written(numbers, shape, graphDType(dtype));
      return new Handle(value);
    }
    override readSync(dataId: DataId): NumericBackendValues {
      const value = activeRecording().valueOf(dataId);
      if (isConstant(value)) return asBackendValues(elementsOf(value));
      const { node } = value.source.kind === "node" ? value.source : { node: undefined };
      const origin =
        node === undefined || node.origin === "" ? "an input of the model" : `the result of ${node.origin}`;
      throw untraceable("data-dependent", `code that reads ${origin} while the model runs (dataSync or data)`, {
        origin,
      });
    }
    override read(dataId: DataId): Promise<NumericBackendValues> {
      return Promise.resolve(this.readSync(dataId));
    }
    override move(): void {
      throw new Error("tfjs moved data into the recording backend");
    }
    override dispose(): void {
      // Nothing is held.
    }
  }
  return new RecordingBackend();
}

type NumericBackendValues = Float32Array | Int32Array | Uint8Array;

function asBackendValues(data: ConstantData): NumericBackendValues {
  return data instanceof Float64Array ? Float32Array.from(data) : data;
}

function numbersOf(values: BackendValues, dtype: DataType): ConstantData {
  if (dtype === "string" || dtype === "complex64") {
    throw untraceable("kernel", `tensors of dtype ${dtype}`, { dtype });
  }
  // A copy: the caller may go on to change its array. Most are large ones of ones or zeros, in the gradients of means.
  if (dtype === "float32" && values instanceof Float32Array) return values.slice();
  return arrayFor(graphDType(dtype), Array.from(values, Number));
}

export function graphDType(dtype: string): GraphDType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw untraceable("kernel", `tensors of dtype ${dtype}`, { dtype });
}

/** A tensor's description for tfjs. */
export function infoOf(handle: Handle): TensorInfo {
  const { dtype, shape } = handle.value;
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
    throw new Error(`a kernel's result of dtype ${dtype}, which tfjs does not have (${sizeOf(shape)} elements)`);
  }
  return { dataId: handle, shape: [...shape], dtype };
}
