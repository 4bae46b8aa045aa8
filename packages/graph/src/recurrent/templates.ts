import type * as Tf from "@tensorflow/tfjs-core";
import { loadCore, loadLayers } from "../tfjs.js";
import type { Cell, CellCall } from "./cells.js";

/** One step of a cell, in place of its own code. */
type Template = (cell: PlainCell, x: Tf.Tensor, states: readonly Tf.Tensor[]) => readonly Tf.Tensor[];

interface Activation {
  apply(x: Tf.Tensor): Tf.Tensor;
}

/** What tfjs' own cells have. */
interface PlainCell {
  readonly kernel: Weight;
  readonly recurrentKernel: Weight;
  readonly bias?: Weight | null;
  readonly units: number;
  readonly activation?: Activation | null;
  readonly recurrentActivation?: Activation | null;
  readonly dropoutMask?: Tf.Tensor | readonly Tf.Tensor[] | null;
  readonly recurrentDropoutMask?: Tf.Tensor | readonly Tf.Tensor[] | null;
}

interface Weight {
  read(): Tf.Tensor;
}

/**
 * A step of tfjs' own cells, written so that little is left to do in it: one product for all that is known at the same time, with the
 * bias as the weight of a constant input. The gradient is tfjs' gradient of this.
 */
export function templateOf({
  cell,
}: CellCall): ((x: Tf.Tensor, states: readonly Tf.Tensor[]) => readonly Tf.Tensor[]) | undefined {
  const found = known().templates.find(({ call }) => Reflect.get(cell, "call") === call);
  if (found === undefined || !isPlain(cell)) return undefined;
  return (x, states) => found.template(cell, x, states);
}

/** What tfjs' own cells are known by. */
interface Known {
  /** By the code of their cells: a class of the user's own that only inherits it is served too. */
  readonly templates: readonly { readonly call: unknown; readonly template: Template }[];
  /** The class of that activation, which tfjs does not export. */
  readonly hardSigmoid: unknown;
}
let made: Known | undefined;

/** Cells are made only once: tfjs counts them, and names of others that have none follow from the count. */
function known(): Known {
  if (made !== undefined) return made;
  const { layers } = loadLayers();
  const of = (cell: Cell, property: string): unknown => Reflect.get(cell, property);
  const lstmCell = layers.lstmCell({ units: 1, recurrentActivation: "hardSigmoid" });
  made = {
    templates: [
      { call: of(lstmCell, "call"), template: lstm },
      { call: of(layers.gruCell({ units: 1 }), "call"), template: gru },
      { call: of(layers.simpleRNNCell({ units: 1 }), "call"), template: simple },
    ],
    hardSigmoid: classOf(of(lstmCell, "recurrentActivation")),
  };
  return made;
}

function classOf(activation: unknown): unknown {
  if (typeof activation === "object" && activation !== null) return activation.constructor;
  throw new Error("tfjs' LSTM has no hard sigmoid where it had one");
}

function isPlain(cell: object): cell is PlainCell {
  return "kernel" in cell && "recurrentKernel" in cell;
}

function lstm(cell: PlainCell, x: Tf.Tensor, [h, c]: readonly Tf.Tensor[]): readonly Tf.Tensor[] {
  const tf = loadCore();
  const { units } = cell;
  if (h === undefined || c === undefined) throw new Error("an LSTM without its states");
  const gate = gateOf(cell);
  const row = (ofGate: number, other: number): Tf.Tensor => rowOf([ofGate, ofGate, other, ofGate], units);
  const line = gate.line && { scale: row(gate.line.scale, 1), shift: row(gate.line.shift, 0) };
  const z = product(cell, fed(cell, x), kept(cell, h), { range: [0, 4 * units], line });
  const [input, forget, candidate, output] = tf
    .split(z, 4, 1)
    .map((part, index) => (index === 2 ? apply(cell.activation, part) : gate.apply(part)));
  if (input === undefined || forget === undefined || candidate === undefined || output === undefined) return [];
  const carry = tf.add(tf.mul(forget, c), tf.mul(input, candidate));
  const next = tf.mul(output, apply(cell.activation, carry));
  return [next, next, carry];
}

/** z * h + (1 - z) * candidate, as candidate + z * (h - candidate). */
function gru(cell: PlainCell, x: Tf.Tensor, [state]: readonly Tf.Tensor[]): readonly Tf.Tensor[] {
  const tf = loadCore();
  const { units } = cell;
  if (state === undefined) throw new Error("a GRU without its state");
  const [input, h] = [fed(cell, x), kept(cell, state)];
  const gate = gateOf(cell);
  const row = (value: number): Tf.Tensor => rowOf([value, value], units);
  const line = gate.line && { scale: row(gate.line.scale), shift: row(gate.line.shift) };
  const gates = gate.apply(product(cell, input, h, { range: [0, 2 * units], line }));
  const [update, reset] = tf.split(gates, 2, 1);
  if (update === undefined || reset === undefined) return [];
  const candidate = apply(cell.activation, product(cell, input, tf.mul(reset, h), { range: [2 * units, 3 * units] }));
  const next = tf.add(candidate, tf.mul(update, tf.sub(h, candidate)));
  return [next, next];
}

function simple(cell: PlainCell, x: Tf.Tensor, [h]: readonly Tf.Tensor[]): readonly Tf.Tensor[] {
  if (h === undefined) throw new Error("a recurrent cell without its state");
  const next = apply(cell.activation, product(cell, fed(cell, x), kept(cell, h), { range: [0, cell.units] }));
  return [next, next];
}

/** What gates do to their part of a product, which stands on a line already: that of the hard sigmoid, else none. */
interface Gate {
  readonly line: { readonly scale: number; readonly shift: number } | undefined;
  apply(x: Tf.Tensor): Tf.Tensor;
}

/**
 * A hard sigmoid is clip(0.2 * z + 0.5): scaled and shifted are the weights, once, instead of every z in every step and its gradient.
 */
function gateOf({ recurrentActivation }: PlainCell): Gate {
  if (recurrentActivation?.constructor !== known().hardSigmoid) {
    return { line: undefined, apply: (x) => apply(recurrentActivation, x) };
  }
  return { line: { scale: 0.2, shift: 0.5 }, apply: (x) => loadCore().clipByValue(x, 0, 1) };
}

/** [1, numbers * units]: each number as often as there are units. */
function rowOf(numbers: readonly number[], units: number): Tf.Tensor {
  const row = numbers.flatMap((each) => Array.from({ length: units }, () => each));
  return loadCore().tensor2d(row, [1, row.length]);
}

function apply(activation: Activation | null | undefined, x: Tf.Tensor): Tf.Tensor {
  return activation?.apply(x) ?? x;
}

/** Columns of a product, and the line that they are put on: a factor and a summand for each, [1, columns]. */
interface Columns {
  readonly range: readonly [start: number, end: number];
  readonly line?: { readonly scale: Tf.Tensor; readonly shift: Tf.Tensor } | undefined;
}

/**
 * x * kernel + h * recurrentKernel + bias, of some of their columns, as one product. The weights are turned round once, in front of the
 * Scan: onnxruntime multiplies such rows with a transposed matrix a third faster.
 */
function product(
  { kernel, recurrentKernel, bias }: PlainCell,
  x: Tf.Tensor,
  h: Tf.Tensor,
  { range: [start, end], line }: Columns,
): Tf.Tensor {
  const tf = loadCore();
  const columns = (weight: Tf.Tensor): Tf.Tensor => {
    const some = tf.slice(weight, [0, start], [-1, end - start]);
    return line === undefined ? some : tf.mul(some, line.scale);
  };
  const weights = [kernel.read(), recurrentKernel.read()].map(columns);
  const inputs = [x, h];
  const row = bias && columns(tf.reshape(bias.read(), [1, -1]));
  const last = row && line ? tf.add(row, line.shift) : (row ?? line?.shift);
  if (last !== undefined) {
    weights.push(last);
    inputs.push(tf.ones([x.shape[0] ?? 0, 1]));
  }
  return tf.matMul(tf.concat(inputs, 1), tf.transpose(tf.concat(weights, 0)), false, true);
}

/** What the cell is fed, behind its dropout. All gates have the same mask. */
function fed({ dropoutMask }: PlainCell, x: Tf.Tensor): Tf.Tensor {
  return masked(dropoutMask, x);
}

function kept({ recurrentDropoutMask }: PlainCell, h: Tf.Tensor): Tf.Tensor {
  return masked(recurrentDropoutMask, h);
}

function masked(mask: PlainCell["dropoutMask"], x: Tf.Tensor): Tf.Tensor {
  const [first] = [mask ?? []].flat();
  return first === undefined ? x : loadCore().mul(x, first);
}
