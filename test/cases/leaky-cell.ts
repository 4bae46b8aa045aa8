import * as tf from "@tensorflow/tfjs-core";
import { initializers, layers, type RNN } from "@tensorflow/tfjs-layers";

type Cell = RNN["cell"];
type Weight = Cell["weights"][number];

/** A cell that tfjs does not have: state' = leak * state + (1 - leak) * sin(x W + state * scale), where the leak is learnt. */
export class LeakyCell extends layers.Layer {
  static className = "LeakyCell";
  readonly units: number;
  readonly stateSize: number;
  /** tfjs' type of a cell wants to have these. */
  readonly dropoutMask: tf.Tensor[] = [];
  readonly recurrentDropoutMask: tf.Tensor[] = [];
  #kernel: Weight | undefined;
  #scale: Weight | undefined;
  #leak: Weight | undefined;

  constructor(config: { readonly units: number }) {
    super({});
    this.units = config.units;
    this.stateSize = config.units;
  }

  override build(shape: (number | null)[]): void {
    const width = Number(shape.at(-1));
    this.#kernel = this.addWeight("kernel", [width, this.units], "float32", initializers.glorotUniform({ seed: 3 }));
    this.#scale = this.addWeight("scale", [this.units], "float32", initializers.ones());
    this.#leak = this.addWeight("leak", [], "float32", initializers.zeros());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    const [x, state] = [inputs].flat();
    const [kernel, scale, leak] = [this.#kernel, this.#scale, this.#leak];
    if (x === undefined || state === undefined || kernel === undefined) throw new Error("a cell that was not built");
    if (scale === undefined || leak === undefined) throw new Error("a cell that was not built");
    const share = tf.sigmoid(leak.read());
    const driven = this.drive(
      tf.add(tf.matMul(x as tf.Tensor2D, kernel.read() as tf.Tensor2D), tf.mul(state, scale.read())),
    );
    const next = tf.add(tf.mul(share, state), tf.mul(tf.sub(1, share), driven));
    return [next, next];
  }

  protected drive(x: tf.Tensor): tf.Tensor {
    return tf.sin(x);
  }

  override getConfig(): ReturnType<layers.Layer["getConfig"]> {
    return { ...super.getConfig(), units: this.units };
  }
}
tf.serialization.registerClass(LeakyCell);

/** Its gradient is infinite where x is not above 0, which is where the gradient of its clipping makes 0 of it. */
class RootCell extends LeakyCell {
  static override className = "RootCell";

  protected override drive(x: tf.Tensor): tf.Tensor {
    return tf.sqrt(tf.clipByValue(x, 0, 1));
  }
}
tf.serialization.registerClass(RootCell);

/** The same for half of its units: their gradient is a product with an infinite number. */
class HalfRootCell extends LeakyCell {
  static override className = "HalfRootCell";

  protected override drive(x: tf.Tensor): tf.Tensor {
    const [first, second] = tf.split(tf.clipByValue(x, 0, 1), 2, 1);
    if (first === undefined || second === undefined) throw new Error("a cell of an odd number of units");
    // Just infinite: one that also grows fast in front of 0 would make much of every rounding.
    return tf.concat([tf.pow(first, 0.9), second], 1);
  }
}
tf.serialization.registerClass(HalfRootCell);

export function leakyCell(units: number): Cell {
  return new LeakyCell({ units });
}

export function halfRootCell(units: number): Cell {
  return new HalfRootCell({ units });
}

export function rootCell(units: number): Cell {
  return new RootCell({ units });
}
