import * as tf from "@tensorflow/tfjs-core";
import { initializers, layers, type LayerVariable } from "@tensorflow/tfjs-layers";

type Config = ConstructorParameters<typeof layers.Layer>[0];
type Weights = Readonly<Record<string, LayerVariable>>;

export interface EncoderConfig {
  readonly name?: string;
  readonly heads: number;
  /** Units between the two products of each token's own network. */
  readonly hidden: number;
  /** Share of numbers dropped, in four places. */
  readonly dropout: number;
  readonly activation?: "relu" | "gelu" | "geluTanh";
  /** One weight for queries, keys and values. */
  readonly isJoint?: boolean;
}

const epsilon = 1e-5;

/**
 * A transformer's encoder layer, normalised after each half, in tfjs' plain operations as a user writes it. tokens [rows, length, width]
 * to the same.
 */
export class Encoder extends layers.Layer {
  static readonly className = "Encoder";
  readonly #settings: EncoderConfig;
  #weights: Weights = {};

  constructor(config: Config & EncoderConfig) {
    super(config);
    this.#settings = config;
  }

  override build(shape: (number | null)[]): void {
    const width = Number(shape.at(-1));
    const { hidden, isJoint = false } = this.#settings;
    const products = isJoint ? { qkv: 3 * width } : { q: width, k: width, v: width };
    const weights: Record<string, LayerVariable> = {};
    const add = (name: string, of: number[], initializer: ReturnType<typeof initializers.zeros>): void => {
      weights[name] = this.addWeight(name, of, "float32", initializer);
    };
    const dense = (name: string, from: number, to: number): void => {
      add(`${name}-kernel`, [from, to], initializers.glorotUniform({}));
      add(`${name}-bias`, [to], initializers.zeros());
    };
    for (const [name, units] of Object.entries(products)) dense(name, width, units);
    dense("out", width, width);
    dense("first", width, hidden);
    dense("second", hidden, width);
    for (const name of ["norm-1", "norm-2"]) {
      add(`${name}-gamma`, [width], initializers.ones());
      add(`${name}-beta`, [width], initializers.zeros());
    }
    this.#weights = weights;
    super.build(shape);
  }

  override computeOutputShape(shape: (number | null)[]): (number | null)[] {
    return shape;
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), ...this.#settings };
  }

  override call(inputs: tf.Tensor | tf.Tensor[], { training }: { training?: boolean } = {}): tf.Tensor {
    return tf.tidy(() => {
      const [tokens] = [inputs].flat();
      if (tokens === undefined) throw new Error("no tokens");
      const [rows = 0, length = 0, width = 0] = tokens.shape;
      const { dropout } = this.#settings;
      const dropped = (x: tf.Tensor): tf.Tensor => (training === true && dropout > 0 ? tf.dropout(x, dropout) : x);
      const x = tf.reshape(tokens, [rows * length, width]);
      const attended = this.#attention(x, [rows, length, width], dropped);
      const half = this.#normalised("norm-1", tf.add(x, dropped(this.#dense("out", attended))));
      const hidden = dropped(this.#activated(this.#dense("first", half)));
      const whole = this.#normalised("norm-2", tf.add(half, dropped(this.#dense("second", hidden))));
      return tf.reshape(whole, [rows, length, width]);
    });
  }

  #attention(
    x: tf.Tensor,
    [rows, length, width]: [number, number, number],
    dropped: (x: tf.Tensor) => tf.Tensor,
  ): tf.Tensor {
    const { heads, isJoint = false } = this.#settings;
    const size = width / heads;
    const ofHeads = (name: string): tf.Tensor =>
      tf.transpose(tf.reshape(this.#dense(name, x), [rows, length, heads, size]), [0, 2, 1, 3]);
    const joint = (): tf.Tensor[] => {
      const all = tf.reshape(this.#dense("qkv", x), [rows, length, 3, heads, size]);
      return tf.unstack(tf.transpose(all, [2, 0, 3, 1, 4]), 0);
    };
    const [q = x, k = x, v = x] = isJoint ? joint() : ["q", "k", "v"].map(ofHeads);
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size));
    const mixed = tf.matMul(dropped(tf.softmax(scores)), v);
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows * length, width]);
  }

  #activated(x: tf.Tensor): tf.Tensor {
    switch (this.#settings.activation ?? "relu") {
      case "relu":
        return tf.relu(x);
      case "gelu":
        return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1));
      case "geluTanh": {
        const inner = tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044_715)), Math.sqrt(2 / Math.PI));
        return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
      }
    }
  }

  #normalised(name: string, x: tf.Tensor): tf.Tensor {
    const { mean, variance } = tf.moments(x, -1, true);
    const centred = tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(centred, this.#weight(`${name}-gamma`)), this.#weight(`${name}-beta`));
  }

  #dense(name: string, x: tf.Tensor): tf.Tensor {
    return tf.add(tf.matMul(x, this.#weight(`${name}-kernel`)), this.#weight(`${name}-bias`));
  }

  #weight(name: string): tf.Tensor {
    const weight = this.#weights[name];
    if (weight === undefined) throw new Error(`no weight ${name}`);
    return weight.read();
  }
}
tf.serialization.registerClass(Encoder);

/** The mean over the second dimension: of all tokens of a row. */
export class MeanOfTokens extends layers.Layer {
  static readonly className = "MeanOfTokens";

  override computeOutputShape(shape: (number | null)[]): (number | null)[] {
    return shape.toSpliced(1, 1);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [tokens] = [inputs].flat();
    if (tokens === undefined) throw new Error("no tokens");
    return tf.mean(tokens, 1);
  }
}
tf.serialization.registerClass(MeanOfTokens);
