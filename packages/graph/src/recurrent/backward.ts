import type * as Tf from "@tensorflow/tfjs-core";
import { splatOf, type Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { refuseForeignTensors } from "./captured.js";
import { step, withMasks } from "./cells.js";
import type { ForwardPass } from "./forward.js";
import { ReverseStep } from "./reverse-step.js";
import { eachStep } from "./each-step.js";
import { SumOverSteps } from "./sum-over-steps.js";
import { tensorOf, valueOf } from "./tensors.js";

/** Of what a layer is fed; made when they are asked for. */
export interface Gradients {
  readonly x: () => Value;
  readonly state: (index: number) => Value;
  readonly weight: (index: number) => Value;
}

/**
 * The gradient of a layer as a reverse Scan: tfjs' own gradient of one step, recorded once.
 * @param given the gradients of the layer's results
 */
export function backward(forward: ForwardPass, given: readonly Value[]): Gradients {
  const { values, inside, g, call } = forward;
  const { x, states, mask } = inside;
  const own = new Set([...values.weights.map(valueOf), x, ...states, ...(mask === undefined ? [] : [mask])]);
  refuseForeignTensors(call.layer, forward.recording, forward.step.nodes, own);
  const ofSequence = values.returnSequences ? given[0] : undefined;
  const ofLast = given.slice(values.returnSequences ? 1 : 0);
  const ofStates = inside.states.map(({ shape }) => forward.standIn(shape));
  const wanted = ofSequence === undefined || splatOf(ofSequence) === 0 ? undefined : ofSequence;
  const ofOutput = wanted && forward.standIn(wanted.shape.slice(1));
  const traced = traceGradients(forward, ofStates, ofOutput);
  const reverse = new ReverseStep(forward, ofOutput === undefined ? ofStates : [ofOutput, ...ofStates]);
  if (ofOutput !== undefined && wanted !== undefined) reverse.scan.addInput(ofOutput, wanted);
  const first = ofStates.map((standIn, index) => {
    const gradient = traced.states[index] ?? g.splat(0, "float32", standIn.shape);
    const initial = ofLast[index] ?? g.splat(0, "float32", standIn.shape);
    return reverse.scan.addState(standIn, initial, reverse.value(gradient));
  });
  forward.classify();
  g.adoptNodes([reverse.scan.node]);
  const sums = new SumOverSteps(forward, reverse);
  const zeros = (shape: readonly number[]): Value => g.splat(0, "float32", shape);
  return {
    x: () => (traced.x === undefined ? zeros(values.x.shape) : eachStep(forward, reverse, traced.x)),
    state: (index) => first[index] ?? zeros([]),
    weight: (index) => {
      const gradient = traced.weights[index];
      return gradient === undefined ? zeros(values.weights[index]?.shape ?? []) : sums.of(gradient);
    },
  };
}

interface TracedGradients {
  readonly x: Value | undefined;
  readonly states: readonly (Value | undefined)[];
  readonly weights: readonly (Value | undefined)[];
}

/** tfjs' gradient of a step's results, weighted with the gradients that they get from the steps behind. */
function traceGradients(
  { recording, call, masks, inside, step: builder, values }: ForwardPass,
  ofStates: readonly Value[],
  ofOutput: Value | undefined,
): TracedGradients {
  const tf = loadCore();
  const engine = tf.engine();
  const x = tensorOf(inside.x);
  const states = inside.states.map(tensorOf);
  const total = (): Tf.Scalar => {
    const [output, ...next] = step(call, x, states, inside.mask && tensorOf(inside.mask));
    const weighted = next.flatMap((state, index) => {
      const gradient = ofStates[index];
      return gradient === undefined ? [] : [tf.mul(state, tensorOf(gradient))];
    });
    if (output !== undefined && ofOutput !== undefined) weighted.push(tf.mul(output, tensorOf(ofOutput)));
    return tf.addN(weighted.map((each) => tf.sum<Tf.Scalar>(each)));
  };
  // This happens while tfjs walks back over its tape, which `gradients` would forget.
  const tape = engine.state.activeTape;
  const gradients = (): readonly (Tf.Tensor | undefined)[] =>
    engine.gradients(total, [x, ...states, ...values.weights], undefined, true).grads;
  const found = recording.inside(builder, () =>
    withMasks(call.cell, masks, gradients).map((gradient) => gradient && valueOf(gradient)),
  );
  engine.state.activeTape = tape;
  return {
    x: found[0],
    states: found.slice(1, 1 + states.length),
    weights: found.slice(1 + states.length),
  };
}
