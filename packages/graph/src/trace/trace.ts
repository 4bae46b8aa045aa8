import { isStampedeError } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { isConstant, elementsOf, type ConstantData, type Value } from "../ir/types.js";
import { kernels } from "../kernels/index.js";
import { inferenceKernels } from "../kernels/inference.js";
import { recurrentKernels } from "../recurrent/kernel.js";
import { loadCore } from "../tfjs.js";
import { activate, backendName, graphDType, infoOf } from "./backend.js";
import { registerRecorder } from "./dispatch.js";
import { hookMethod } from "./hook.js";
import { Handle } from "./handle.js";
import { Recording, type RecordingOptions } from "./recording.js";
import { untraceable } from "./untraceable.js";

/** A tfjs variable before and after the code that was traced. */
export interface TracedVariable {
  readonly variable: Tf.Variable;
  /** A graph input. */
  readonly before: Value;
  /** `before` itself where the variable was not written. */
  readonly after: Value;
}

export interface Trace {
  readonly g: GraphBuilder;
  readonly recording: Recording;
  readonly results: readonly Value[];
  readonly variables: readonly TracedVariable[];
}

/**
 * Runs tfjs code once without computing anything and records what it would compute. Everything is then as it was before: variables keep
 * their values (those the code made hold their initial ones), the backend is the one that was in use, Math.random is the real one. The
 * code runs to its end before this returns, so nothing else in the thread sees the recording backend.
 *
 * @param run the code, which gets tensors from `tensorFor`; what it returns becomes `results`
 * @param options choose lowerings: for graphs whose weights will be constants (see `bindInputs`), and for a processor
 * @throws StampedeError `model.not-traceable`
 */
export function trace(run: (recording: Recording) => readonly Tf.Tensor[], options: RecordingOptions = {}): Trace {
  const tf = loadCore();
  registerRecorder({ ...kernels, ...recurrentKernels }, inferenceKernels);
  const recording = new Recording(options);
  const variables = new VariableWatch(recording);
  const original = Math.random;
  const before = tf.getBackend();
  variables.adopt();
  const restoreRecording = activate(recording);
  try {
    switchTo(backendName);
    variables.watchNew();
    Math.random = recording.random.random;
    let results: readonly Value[] = [];
    tf.tidy(() => {
      results = run(recording).map((tensor) => recording.valueOf(tensor.dataId));
    });
    recording.random.finish();
    return { g: recording.g, recording, results, variables: variables.outcome() };
  } catch (cause) {
    throw explain(cause, recording);
  } finally {
    Math.random = original;
    variables.stopWatching();
    switchTo(before);
    activate(restoreRecording);
    variables.restore();
  }
}

/** A tensor for tfjs code that is traced, which stands for a graph value. */
export function tensorFor(value: Value): Tf.Tensor {
  return loadCore()
    .engine()
    .makeTensorFromTensorInfo(infoOf(new Handle(value)));
}

/** tfjs' `setBackend` is asynchronous for backends that are; the ones used here are in place when it returns. */
function switchTo(name: string): void {
  const tf = loadCore();
  void tf.setBackend(name);
  if (tf.getBackend() !== name) throw new Error(`tfjs did not switch to the backend ${name}`);
}

const unknownKernel = /Kernel '(\w+)' not registered/;

function explain(cause: unknown, recording: Recording): unknown {
  if (isStampedeError(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const layer = recording.layers.at(-1);
  const place = layer === undefined ? "" : ` in layer "${layer}"`;
  const kernel = unknownKernel.exec(message)?.[1];
  if (kernel !== undefined) {
    return untraceable("kernel", `the tfjs kernel ${kernel}${place}, which has no lowering`, { kernel, layer }, cause);
  }
  return untraceable("failed", `code that fails while it is traced${place}: ${message}`, { layer }, cause);
}

/** Puts graph inputs in the places of variables for the time of a trace. */
class VariableWatch {
  readonly #recording: Recording;
  readonly #watched: { readonly variable: Tf.Variable; readonly before: Value; readonly initial: Tf.Tensor }[] = [];
  readonly #made: { readonly variable: Tf.Variable; readonly before: Value; readonly initial: ConstantData }[] = [];

  #undo = (): void => undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  /** Takes hold of all variables there are. Their data lives on in clones. */
  adopt(): void {
    const tf = loadCore();
    for (const variable of Object.values(tf.engine().state.registeredVariables)) {
      const initial = tf.keep(variable.clone());
      this.#watched.push({ variable, initial, before: this.#input(variable) });
    }
  }

  /** From now on variables that are made (slots of optimizers) become inputs too: their first value must not be baked in. */
  watchNew(): void {
    const tf = loadCore();
    for (const { variable, before } of this.#watched) assign(variable, before);
    const engine = tf.engine();
    const make = engine.makeVariable.bind(engine);
    this.#undo = hookMethod(engine, "makeVariable", (initialValue, trainable, name, dtype) => {
      const variable = make(initialValue, trainable, name, dtype);
      const value = this.#recording.valueOf(initialValue.dataId);
      if (!isConstant(value)) {
        throw untraceable("data-dependent", `a variable "${variable.name}" that begins with a computed value`);
      }
      const before = this.#input(variable);
      assign(variable, before);
      this.#made.push({ variable, before, initial: elementsOf(value) });
      return variable;
    });
  }

  stopWatching(): void {
    this.#undo();
  }

  outcome(): readonly TracedVariable[] {
    const valueOf = (variable: Tf.Variable): Value => this.#recording.valueOf(variable.dataId);
    return [...this.#watched, ...this.#made].map(({ variable, before }) => ({
      variable,
      before,
      after: valueOf(variable),
    }));
  }

  /** Gives all variables their values back. The backend in use must be the one that had them. */
  restore(): void {
    const tf = loadCore();
    for (const { variable, initial } of this.#watched) {
      if (variable.dataId instanceof Handle && !variable.isDisposed) variable.assign(initial);
      initial.dispose();
    }
    for (const { variable, initial } of this.#made) {
      if (variable.isDisposed) continue;
      const value = tf.tensor(numbersFor(initial), [...variable.shape], variable.dtype);
      variable.assign(value);
      value.dispose();
    }
  }

  #input(variable: Tf.Variable): Value {
    return this.#recording.g.input(`variable/${variable.name}`, graphDType(variable.dtype), [...variable.shape]);
  }
}

/** Arrays of the kinds that tfjs takes as they are. */
function numbersFor(data: ConstantData): Float32Array | Int32Array | number[] {
  return data instanceof Float32Array || data instanceof Int32Array ? data.slice() : Array.from(data);
}

function assign(variable: Tf.Variable, value: Value): void {
  const tensor = tensorFor(value);
  variable.assign(tensor);
  tensor.dispose();
}
