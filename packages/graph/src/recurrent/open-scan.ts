import { liveNodes } from "../passes/dead-code.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Attributes, Graph, Node, Port, Value } from "../ir/types.js";

interface ScanState {
  /** What it is called in the body. */
  readonly inside: Value;
  readonly initial: Value;
}

/**
 * A Scan that can still be given states, inputs and outputs after it stands in its graph: what a layer's gradient needs of its forward
 * pass is known only when the gradient is made. The body is whatever its outputs are made of when somebody looks.
 */
export class OpenScan {
  readonly node: Node;
  readonly #steps: number;
  readonly #states: ScanState[] = [];
  readonly #next: Value[] = [];
  readonly #inputs: { readonly inside: Value; readonly sequence: Value }[] = [];
  readonly #outputs = new Map<Value, Value>();
  readonly #results: { states: Value[]; outputs: Value[] } = { states: [], outputs: [] };
  readonly #numbers: GraphBuilder["numbers"];
  readonly #isReverse: boolean;

  /**
   * @param inner builds the body
   * @param nodes those that it has built and that may be part of the body
   * @param steps the extent of the first dimension of all inputs and outputs
   * @param isReverse from the last step to the first; outputs stand at the places of their steps all the same
   */
  constructor(inner: GraphBuilder, nodes: () => readonly Node[], steps: number, isReverse: boolean) {
    this.#steps = steps;
    this.#numbers = inner.numbers;
    this.#isReverse = isReverse;
    const scan = this.#parts(nodes);
    this.node = {
      op: "Scan",
      domain: "",
      origin: inner.origin,
      get inputs() {
        return scan.inputs();
      },
      get outputs() {
        return scan.outputs();
      },
      get attributes() {
        return scan.attributes();
      },
      get body() {
        return scan.body();
      },
    };
  }

  /** @returns its value after the last step */
  addState(inside: Value, initial: Value, next: Value): Value {
    this.#states.push({ inside, initial });
    this.#next.push(next);
    return this.#result(this.#results.states, next, next.shape);
  }

  /** @param sequence [steps, ...], of which `inside` is one step */
  addInput(inside: Value, sequence: Value): void {
    this.#inputs.push({ inside, sequence });
  }

  /** @returns [steps, ...]: a value of the body in every step */
  output(value: Value): Value {
    const known = this.#outputs.get(value);
    if (known !== undefined) return known;
    const made = this.#result(this.#results.outputs, value, [this.#steps, ...value.shape]);
    this.#outputs.set(value, made);
    return made;
  }

  /** Results are found by their place, which changes when a state is added; nobody looks at it before the graph is finished. */
  #result(list: Value[], { dtype }: Value, shape: readonly number[]): Value {
    const { node } = this;
    const at = (): number => node.outputs.indexOf(value);
    const value: Value = {
      id: this.#numbers.next(),
      dtype,
      shape,
      source: {
        kind: "node",
        node,
        get index() {
          return at();
        },
      },
    };
    list.push(value);
    return value;
  }

  #parts(nodes: () => readonly Node[]): {
    readonly inputs: () => Node["inputs"];
    readonly outputs: () => Node["outputs"];
    readonly attributes: () => Attributes;
    readonly body: () => Graph;
  } {
    const port = (value: Value): Port => ({ name: "", value });
    const results = (): readonly Value[] => [...this.#next, ...this.#outputs.keys()];
    return {
      inputs: () => [...this.#states.map(({ initial }) => initial), ...this.#inputs.map(({ sequence }) => sequence)],
      outputs: () => [...this.#results.states, ...this.#results.outputs],
      attributes: () => ({
        num_scan_inputs: this.#inputs.length,
        ...(this.#isReverse && {
          scan_input_directions: this.#inputs.map(() => 1),
          scan_output_directions: [...this.#outputs.keys()].map(() => 1),
        }),
      }),
      body: () => ({
        inputs: [...this.#states, ...this.#inputs].map(({ inside }) => port(inside)),
        nodes: liveNodes(nodes(), results()),
        outputs: results().map((value, index) => ({ name: `step/${this.#id()}/${index}`, value })),
      }),
    };
  }

  /** A number that no other Scan has. */
  #id(): number {
    return this.node.outputs[0]?.id ?? 0;
  }
}
