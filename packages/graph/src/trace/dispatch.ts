import { isStampedeError, sizeOf } from "@stampede/core";
import type { KernelFunc, NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { blockedConvolutions, blockedFollowers } from "../blocked/kernels.js";
import { arrayFor } from "../ir/builder.js";
import { elementsOf, isConstant, type Constant, type Value } from "../ir/types.js";
import { loadCore, loadCpuBackend } from "../tfjs.js";
import { activeRecording, backendName, graphDType, infoOf, makeBackend } from "./backend.js";
import { Handle } from "./handle.js";
import type { KernelCall, KernelFunction, KernelInputs, KernelTable } from "./kernel.js";
import type { Recording } from "./recording.js";
import { untraceable } from "./untraceable.js";

/** Kernels whose inputs are all constant are computed while tracing, up to this many elements together. */
const maxFoldedElements = 262_144;
/** Their results are splats, which are smaller than what the CPU backend would make of them. */
const splats = ["Identity", "Fill", "ZerosLike", "OnesLike", "Range"];
/** tfjs 4.22.0 computes these wrongly, or never returns. */
const wrong = ["ResizeNearestNeighborGrad", "ResizeBilinearGrad", "MaxPool3DGrad"];
const neverFolded: ReadonlySet<string> = new Set([...splats, ...wrong]);

let isRegistered = false;

/**
 * Registers the recording backend and its kernels with this thread's tfjs, once.
 * @param forInference takes the place of `kernels` in traces of inference, for those that it has
 */
export function registerRecorder(kernels: KernelTable, forInference: KernelTable): void {
  if (isRegistered) return;
  const tf = loadCore();
  loadCpuBackend();
  const ownPriority = 0;
  tf.registerBackend(backendName, makeBackend, ownPriority);
  for (const [kernelName, lower] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: kernelFunc(kernelName, lower, forInference[kernelName] ?? lower),
    });
  }
  isRegistered = true;
}

function kernelFunc(name: string, toTrain: KernelFunction, toInfer: KernelFunction): KernelFunc {
  return ({ inputs, attrs }) => {
    const results = run(name, activeRecording().isInference ? toInfer : toTrain, inputs, attrs);
    const infos = [results].flat().map((value) => infoOf(new Handle(value)));
    const [only] = infos;
    return Array.isArray(results) || only === undefined ? infos : only;
  };
}

function run(
  name: string,
  lower: KernelFunction,
  inputs: KernelInputs,
  attrs: NamedAttrMap | undefined,
): Value | readonly Value[] {
  const recording = activeRecording();
  const { g } = recording;
  const named = new Map<string, Value>();
  for (const [key, info] of Object.entries(inputs)) {
    if (info !== undefined && info !== null) named.set(key, recording.valueOf(info.dataId));
  }
  const list = [...named.values()];
  const origin = recording.place(name, list);
  g.origin = origin;
  try {
    const call = { g, attrs: attrs ?? {}, list, optional: (key: string) => named.get(key), input };
    return fold(name, inputs, attrs, list) ?? inBlocks(name, call, recording) ?? lower(call);
  } catch (cause) {
    if (isStampedeError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw untraceable(
      "kernel",
      `the kernel ${name} in ${origin} that cannot be lowered: ${reason}`,
      { kernel: name, origin },
      cause,
    );
  }

  function input(key: string): Value {
    const value = named.get(key);
    if (value === undefined) throw new Error(`it has no input ${key}`);
    return value;
  }
}

function inBlocks(name: string, call: KernelCall, recording: Recording): Value | undefined {
  const { blocks } = recording;
  if (blocks === undefined) return undefined;
  const begun = blockedConvolutions[name]?.(blocks, call);
  if (begun !== undefined) recording.usesBlocks = true;
  // Until then everything is as it is without them, so that a graph that has no use for blocks is the same for all processors.
  return begun ?? (recording.usesBlocks ? blockedFollowers[name]?.(blocks, call) : undefined);
}

/** The result that tfjs' own CPU kernel computes when all inputs are constants. */
function fold(
  name: string,
  inputs: KernelInputs,
  attrs: NamedAttrMap | undefined,
  values: readonly Value[],
): Value | readonly Value[] | undefined {
  if (values.length === 0 || neverFolded.has(name) || !values.every(isConstant)) return undefined;
  if (values.reduce((sum, { shape }) => sum + sizeOf(shape), 0) > maxFoldedElements) return undefined;
  const tf = loadCore();
  const cpu = tf.findBackend("cpu");
  const kernel = tf.getKernel(name, "cpu");
  if (cpu === null || kernel === undefined) return undefined;
  const recording = activeRecording();
  const entries = Object.entries(inputs).flatMap(([key, info]): [string, TensorInfo][] => {
    const value: Value | undefined = info && recording.valueOf(info.dataId);
    return isConstant(value) ? [[key, cpuTensor(value)]] : [];
  });
  const given = Array.isArray(inputs) ? entries.map(([, info]) => info) : Object.fromEntries(entries);
  // A kernel that takes a list gets one, whatever its type says.
  const params = { inputs: {}, backend: cpu, ...(attrs && { attrs }) };
  Reflect.set(params, "inputs", given);
  const results = kernel.kernelFunc(params);
  const constants = [results].flat().map((info) => fromCpu(info));
  const [only] = constants;
  return Array.isArray(results) || only === undefined ? constants : only;
}

interface CpuBackend {
  makeTensorInfo(shape: number[], dtype: string, values: unknown): TensorInfo;
  readSync(dataId: object): ArrayLike<number>;
}

function isCpuBackend(backend: unknown): backend is CpuBackend {
  return typeof backend === "object" && backend !== null && "makeTensorInfo" in backend;
}

function cpuBackend(): CpuBackend {
  const cpu: unknown = loadCore().findBackend("cpu");
  if (!isCpuBackend(cpu)) throw new Error("tfjs' CPU backend is missing");
  return cpu;
}

function cpuTensor(value: Constant): TensorInfo {
  return cpuBackend().makeTensorInfo([...value.shape], value.dtype, elementsOf(value));
}

function fromCpu({ dataId, shape, dtype }: TensorInfo): Value {
  const values = cpuBackend().readSync(dataId);
  const type = graphDType(dtype);
  return activeRecording().g.constant(arrayFor(type, values), type, shape);
}
