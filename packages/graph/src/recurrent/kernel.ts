import type * as Tf from "@tensorflow/tfjs-core";
import { loadCore } from "../tfjs.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import type { Recording } from "../trace/recording.js";
import { isTensor, type CellCall } from "./cells.js";
import { backward, type Gradients } from "./backward.js";
import { ForwardPass } from "./forward.js";
import { tensorOf, valueOf } from "./tensors.js";

/** What a layer goes through, step by step: first dimensions are steps, then rows. */
export interface Sequence {
  readonly x: Tf.Tensor;
  /** Where it begins. */
  readonly states: readonly Tf.Tensor[];
  readonly mask: Tf.Tensor | undefined;
  readonly returnSequences: boolean;
}

interface SequenceResults {
  /** [steps, rows, ...], of layers that return sequences. */
  readonly sequence?: Tf.Tensor;
  /** The states after the last step. */
  readonly last: readonly Tf.Tensor[];
}

/** Not tfjs' own: a whole recurrent layer. The backend has it beside tfjs' kernels. */
const kernelName = "StampedeRecurrent";

interface Attributes {
  readonly run: SequenceRun;
}

export const recurrentKernels: KernelTable = {
  [kernelName]: kernel<Attributes>(({ attrs: { run } }) => run.forward()),
};

/** A layer's cell over all steps of a sequence, as one operation with a gradient. */
export function runSequence(recording: Recording, call: CellCall, sequence: Sequence): SequenceResults {
  registerGradientOnce();
  const run = new SequenceRun(recording, call, sequence);
  // tfjs hands attributes on as they are.
  const attributes: Record<string, unknown> = { run };
  const results = [loadCore().engine().runKernel(kernelName, run.inputs, toAttributes(attributes))].flat();
  const [first, ...others] = results.filter(isTensor);
  if (!sequence.returnSequences || first === undefined) return { last: first === undefined ? [] : [first, ...others] };
  return { sequence: first, last: others };
}

let isRegistered = false;
function registerGradientOnce(): void {
  if (isRegistered) return;
  isRegistered = true;
  loadCore().registerGradient({
    kernelName,
    gradFunc: (gradients, _saved, attributes) => {
      const run: unknown = Reflect.get(attributes, "run");
      if (!(run instanceof SequenceRun)) throw new Error("a recurrent layer without its forward pass");
      return run.backward([gradients].flat());
    },
  });
}

/** One layer in one trace. */
class SequenceRun {
  readonly inputs: Record<string, Tf.Tensor>;
  readonly #recording: Recording;
  readonly #call: CellCall;
  readonly #sequence: Sequence;
  readonly #weights: readonly Tf.Tensor[];
  #pass: ForwardPass | undefined;
  #gradients: Gradients | undefined;

  constructor(recording: Recording, call: CellCall, sequence: Sequence) {
    this.#recording = recording;
    this.#call = call;
    this.#sequence = sequence;
    this.#weights = call.cell.weights.map((weight) => weight.read());
    const { x, states, mask } = sequence;
    this.inputs = {
      x,
      ...(mask && { mask }),
      ...Object.fromEntries(states.map((state, index) => [`state${index}`, state])),
      ...Object.fromEntries(this.#weights.map((weight, index) => [`weight${index}`, weight])),
    };
  }

  forward(): ForwardPass["results"] {
    const { x, states, mask, returnSequences } = this.#sequence;
    const values = {
      x: valueOf(x),
      states: states.map(valueOf),
      mask: mask && valueOf(mask),
      weights: this.#weights,
      returnSequences,
    };
    this.#pass = new ForwardPass(this.#recording, this.#call, values);
    return this.#pass.results;
  }

  /** @param gradients of the results, in their order */
  backward(gradients: readonly Tf.Tensor[]): Record<string, () => Tf.Tensor> {
    const made = (): Gradients => {
      if (this.#pass === undefined) throw new Error("a gradient before its forward pass");
      this.#gradients ??= backward(this.#pass, gradients.map(valueOf));
      return this.#gradients;
    };
    const thunks: Record<string, () => Tf.Tensor> = {
      x: () => tensorOf(made().x()),
      mask: () => loadCore().zeros(this.#sequence.mask?.shape ?? []),
    };
    for (const index of this.#sequence.states.keys()) thunks[`state${index}`] = () => tensorOf(made().state(index));
    for (const index of this.#weights.keys()) thunks[`weight${index}`] = () => tensorOf(made().weight(index));
    return thunks;
  }
}

function toAttributes(attributes: Readonly<Record<string, unknown>>): Tf.NamedAttrMap {
  const map: Tf.NamedAttrMap = {};
  for (const [key, value] of Object.entries(attributes)) Reflect.set(map, key, value);
  return map;
}
