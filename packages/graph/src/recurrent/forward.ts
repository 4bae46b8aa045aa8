import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { isConstant, type GraphDType, type Node, type Value } from "../ir/types.js";
import { valuesUsedBy } from "../passes/dead-code.js";
import { loadCore } from "../tfjs.js";
import type { Recording } from "../trace/recording.js";
import { untraceable } from "../trace/untraceable.js";
import { hasNoDropout, masksOf, step, type CellCall, type CellMasks } from "./cells.js";
import { OpenScan } from "./open-scan.js";
import { templateOf } from "./templates.js";
import { tensorOf, valueOf } from "./tensors.js";

interface SequenceValues {
  readonly x: Value;
  readonly states: readonly Value[];
  readonly mask: Value | undefined;
  readonly weights: readonly Tf.Tensor[];
  readonly returnSequences: boolean;
}

/**
 * The forward Scan of a layer: the cell's code is run once on stand-ins for one step, and what it does becomes the body. The gradient of
 * a step is recorded by the same builder later, which knows equal nodes: what it computes again of the forward pass is the forward pass,
 * and becomes an output of this Scan.
 */
export class ForwardPass {
  readonly recording: Recording;
  readonly call: CellCall;
  readonly values: SequenceValues;
  /** Of the graph that the layer stands in. */
  readonly g: GraphBuilder;
  /** Of one step. */
  readonly step: GraphBuilder;
  readonly steps: number;
  readonly scan: OpenScan;
  /** Stand-ins for one step of what the sequence is made of. */
  readonly inside: { readonly x: Value; readonly states: readonly Value[]; readonly mask: Value | undefined };
  /** The sequence of outputs if it is wanted, then the last states. */
  readonly results: readonly Value[];
  /** Those that the cell has drawn, for all steps. */
  readonly masks: CellMasks;
  /** What differs from step to step. */
  readonly #varying = new Set<Value>();
  /** Nodes that the step's builder has made and that stand in front of the Scan. */
  readonly #steady = new Set<Node>();
  readonly #sequences = new Map<Value, Value>();
  #classified = 0;

  constructor(recording: Recording, call: CellCall, values: SequenceValues) {
    this.recording = recording;
    this.call = call;
    this.values = values;
    this.g = recording.g;
    this.step = this.g.inner();
    this.steps = values.x.shape[0] ?? 0;
    this.scan = new OpenScan(
      this.step,
      () => this.step.nodes.filter((node) => !this.#steady.has(node)),
      this.steps,
      false,
    );
    this.inside = {
      x: this.standIn(values.x.shape.slice(1), values.x.dtype),
      states: values.states.map(({ shape }) => this.standIn(shape)),
      mask: values.mask && this.standIn(values.mask.shape.slice(1)),
    };
    this.scan.addInput(this.inside.x, values.x);
    this.#sequences.set(this.inside.x, values.x);
    if (values.mask !== undefined && this.inside.mask !== undefined) {
      this.scan.addInput(this.inside.mask, values.mask);
      this.#sequences.set(this.inside.mask, values.mask);
    }
    this.results = this.#run();
    this.masks = masksOf(call.cell);
  }

  /** A value that differs from step to step and that the step's builder does not make. */
  standIn(shape: readonly number[], dtype: GraphDType = "float32"): Value {
    const value = this.step.input("", dtype, shape);
    this.#varying.add(value);
    return value;
  }

  /** Whether a value is the same in every step: it then stands in front of the Scan. */
  isSteady(value: Value): boolean {
    this.classify();
    return isConstant(value) || !this.#varying.has(value);
  }

  /** Nodes that the step's builder has made since the last time: those that are the same in every step move in front of the Scan. */
  classify(): void {
    const { nodes } = this.step;
    const steady: Node[] = [];
    for (; this.#classified < nodes.length; this.#classified += 1) {
      const node = nodes[this.#classified];
      if (node === undefined) continue;
      const isVarying = valuesUsedBy(node).some((value) => this.#varying.has(value));
      if (isVarying) for (const value of node.outputs) this.#varying.add(value);
      else steady.push(node);
    }
    for (const node of steady) this.#steady.add(node);
    this.g.adoptNodes(steady, this.scan.node);
  }

  /** [steps, ...]: a value of a forward step in all steps. */
  sequence(value: Value): Value {
    return this.#sequences.get(value) ?? this.scan.output(value);
  }

  #run(): readonly Value[] {
    const { recording, call } = this;
    const { x, states, mask } = this.inside;
    const before = recording.random.draws.length;
    const isKnown = templateOf(call) !== undefined;
    if (call.training === true && !(isKnown && hasNoDropout(call.cell))) this.#runOutside();
    const drawn = recording.random.draws.length;
    const once = (): readonly Value[] =>
      recording.inside(this.step, () =>
        step(call, tensorOf(x), states.map(tensorOf), mask && tensorOf(mask)).map(valueOf),
      );
    const results = once();
    if (recording.random.draws.length > drawn) {
      throw untraceable("random", `a cell of the layer "${call.layer}" that draws random numbers in every step`, {
        layer: call.layer,
        draws: drawn - before,
      });
    }
    if (!isKnown && once().some((value, index) => value !== results[index])) {
      throw untraceable("failed", `a cell of the layer "${call.layer}" that computes something else in every step`, {
        layer: call.layer,
      });
    }
    this.classify();
    return this.#addScan(results);
  }

  /** Cells make their dropout masks when they are first called, and use them in all steps: this is that call, outside of the Scan. */
  #runOutside(): void {
    const { x, states } = this.values;
    const tf = loadCore();
    const first = tf.reshape(tf.slice(tensorOf(x), 0, 1), x.shape.slice(1));
    this.call.cell.call([first, ...states.map(tensorOf)], { training: true });
  }

  #addScan([output, ...next]: readonly Value[]): readonly Value[] {
    const { scan, inside, values, g } = this;
    const last = inside.states.flatMap((state, index) => {
      const initial = values.states[index];
      const after = next[index];
      return initial === undefined || after === undefined ? [] : [scan.addState(state, initial, after)];
    });
    if (output === undefined || last.length !== inside.states.length) throw new Error("a cell without a state");
    g.adoptNodes([scan.node]);
    return values.returnSequences ? [scan.output(output), ...last] : last;
  }
}
