import type { Block } from "@stampede/core";
import { loadCore, loadCpuBackend, loadLayers } from "@stampede/graph";
import type * as Tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { encodeModel, removeDeadCode, tensorFor, trace } from "@stampede/graph/internals";
import { opsOf } from "../cases/graph-size.js";
import { numbersOf, ort } from "./onnx.js";
import { withoutBlocks } from "./plain-blocks.js";

/** A tensor by its contents. */
export interface Given {
  readonly dtype: "float32" | "int32" | "bool";
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** How far a result may be from what is expected of it: so many units in the last place of float32, and an absolute part. */
export interface Tolerance {
  readonly ulps: number;
  /** Whose last place: the element's own, or the largest element's of the tensor (where terms of its size were added up). */
  readonly of: "element" | "tensor";
  readonly absolute?: number;
}

export type Run = (...tensors: Tf.Tensor[]) => Tf.Tensor | Tf.Tensor[];

/** One computation on given tensors that must come out the same in tfjs and in a graph. */
export interface Sample {
  /** The arguments besides the tensors, for messages. */
  readonly what?: unknown;
  readonly inputs: readonly Given[];
  readonly run: Run;
  /** Whether gradients for all float32 inputs are compared too. @default false */
  readonly gradient?: boolean;
  /** Whether to take the lowerings of graphs that only predict; without gradients. @default false */
  readonly isInference?: boolean;
  /** @default no difference at all */
  readonly tolerance?: Tolerance;
  readonly gradientTolerance?: Tolerance;
  /** What is expected in place of what tfjs' CPU backend computes; of samples without gradients. */
  readonly expected?: readonly Given[];
}

export const tf = loadCore();
loadCpuBackend();
// It brings tfjs' gradients.
loadLayers();
await tf.setBackend("cpu");

export function tensorOf({ values, shape, dtype }: Given): Tf.Tensor {
  return tf.tensor(dtype === "bool" ? values.map(Boolean) : [...values], [...shape], dtype);
}

/** What tfjs computes itself. */
function onCpu(run: Run, inputs: readonly Given[]): Given[] {
  const results: Given[] = [];
  tf.tidy(() => {
    for (const result of [run(...inputs.map(tensorOf))].flat()) results.push(contentsOf(result));
  });
  return results;
}

function contentsOf(tensor: Tf.Tensor): Given {
  const values: Iterable<number | boolean> = tensor.dataSync();
  return { dtype: tensor.dtype as Given["dtype"], shape: tensor.shape, values: Array.from(values, Number) };
}

export interface OnGraph {
  readonly results: Given[];
  /** The tfjs kernels that were traced. */
  readonly kernels: readonly string[];
  /** The operators of the graph. */
  readonly ops: readonly string[];
}

interface GraphOptions {
  /** @default 1 */
  readonly threads?: number;
  /** Whether to take the lowerings of graphs that only predict. @default false */
  readonly isInference?: boolean;
  /** Of blocked kernels; left out for those that every processor has. */
  readonly block?: Block | undefined;
  /** Whether operators that every processor has do what the blocked ones of that block would. @default false */
  readonly isEmulated?: boolean;
}

/** What onnxruntime computes with the graph of a trace. */
export async function onGraph(
  run: Run,
  inputs: readonly Given[],
  { threads = 1, isInference = false, block, isEmulated = false }: GraphOptions = {},
): Promise<OnGraph> {
  const { result: traced, kernels } = withKernelNames(() =>
    trace(
      ({ g }) => {
        const tensors = inputs.map(({ dtype, shape }, index) => tensorFor(g.input(`x${index}`, dtype, shape)));
        return [run(...tensors)].flat();
      },
      { isInference, block },
    ),
  );
  const outputs = traced.results.map((value, index) => ({ name: `y${index}`, value }));
  const alive = removeDeadCode(traced.g.finish(outputs));
  const graph = isEmulated && block !== undefined ? withoutBlocks(alive, block) : alive;
  const bytes = encodeModel(graph, { name: "traced" });
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: threads, logSeverityLevel: 4 });
  try {
    const found = await session.run(Object.fromEntries(inputs.map((input, index) => [`x${index}`, ortTensor(input)])));
    const results = outputs.map(({ name }): Given => {
      const tensor = found[name];
      return { dtype: tensor?.type as Given["dtype"], shape: tensor?.dims ?? [], values: numbersOf(tensor) };
    });
    return { results, kernels, ops: opsOf(bytes) };
  } finally {
    await session.release();
  }
}

/** Runs tfjs code and tells which kernels it ran. */
function withKernelNames<T>(work: () => T): { readonly result: T; readonly kernels: readonly string[] } {
  const engine = tf.engine();
  const original = engine.runKernel;
  const kernels: string[] = [];
  engine.runKernel = (name, ...rest) => {
    kernels.push(name);
    return original.call(engine, name, ...rest) as never;
  };
  try {
    return { result: work(), kernels };
  } finally {
    // The hook is the engine's own property and hides the method of its class.
    Reflect.deleteProperty(engine, "runKernel");
  }
}

function ortTensor({ dtype, shape, values }: Given): InstanceType<typeof ort.Tensor> {
  if (dtype === "float32") return new ort.Tensor(dtype, Float32Array.from(values), shape);
  if (dtype === "int32") return new ort.Tensor(dtype, Int32Array.from(values), shape);
  return new ort.Tensor(dtype, Uint8Array.from(values), shape);
}

/** A gradient of small numbers, each another. */
function gradientFor(shape: readonly number[]): Given {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { dtype: "float32", shape, values: Array.from({ length: size }, (_, index) => (((index * 7) % 13) - 6) / 4) };
}

/** Results of `run`, and the gradients of the only one for all float32 tensors but the last, which is the result's own gradient. */
function withGradients(run: Run): Run {
  return (...tensors) => {
    const inputs = tensors.slice(0, -1);
    const dy = tensors.at(-1);
    const places = inputs.flatMap(({ dtype }, index) => (dtype === "float32" ? [index] : []));
    const differentiated = tf.grads((...variables: Tf.Tensor[]) => {
      const all = inputs.map((input, index) => variables[places.indexOf(index)] ?? input);
      return [run(...all)].flat()[0] ?? tf.scalar(0);
    });
    const variables = places.flatMap((place) => inputs[place] ?? []);
    return [...[run(...inputs)].flat(), ...differentiated(variables, dy)];
  };
}

/**
 * Computes a sample in tfjs and in onnxruntime and compares all results, NaN being equal to NaN and 0 to -0.
 * @returns the tfjs kernels that the sample needs
 */
export async function expectSame(sample: Sample): Promise<readonly string[]> {
  const { inputs, run, gradient = false, isInference = false, tolerance, gradientTolerance = tolerance } = sample;
  const results = sample.expected ?? onCpu(run, inputs);
  if (!gradient) {
    const found = await onGraph(run, inputs, { isInference });
    compareAll(found.results, results, () => tolerance);
    return found.kernels;
  }
  const both = withGradients(run);
  const given = [...inputs, gradientFor(results[0]?.shape ?? [])];
  const found = await onGraph(both, given);
  compareAll(found.results, onCpu(both, given), (index) => (index < results.length ? tolerance : gradientTolerance));
  return found.kernels;
}

function compareAll(
  found: readonly Given[],
  expected: readonly Given[],
  toleranceOf: (index: number) => Tolerance | undefined,
): void {
  expect(found.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`)).toEqual(
    expected.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`),
  );
  expected.forEach(({ values }, index) => {
    const wrong = differences(found[index]?.values ?? [], values, toleranceOf(index));
    expect(wrong, `result ${index}`).toEqual([]);
  });
}

function differences(
  found: readonly number[],
  expected: readonly number[],
  tolerance: Tolerance | undefined,
): string[] {
  const { ulps, of, absolute = 0 } = tolerance ?? { ulps: 0, of: "element" };
  const largest = expected.reduce((max, value) => (Number.isFinite(value) ? Math.max(max, Math.abs(value)) : max), 0);
  return expected.flatMap((value, index) => {
    const other = found[index] ?? Number.NaN;
    const allowed = absolute + ulps * 2 ** -23 * (of === "tensor" ? largest : Math.abs(value));
    const isSame =
      other === value || (Number.isNaN(other) && Number.isNaN(value)) || Math.abs(other - value) <= allowed;
    return isSame ? [] : [`[${index}] is ${other}, not ${value}`];
  });
}
