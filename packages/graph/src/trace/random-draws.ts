import { sizeOf, uniformStream } from "@stampede/core";
import type { GraphBuilder } from "../ir/builder.js";
import { add, mul } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import type { Shape, Value } from "../ir/types.js";
import type { Distribution } from "../format/manifest.js";
import { loadCore } from "../tfjs.js";
import { untraceable } from "./untraceable.js";

/** tfjs' random operations that become draws from a pool, by the name of their scope. */
export const distributions: ReadonlyMap<string, Distribution> = new Map([
  ["randomUniform__op", "uniform"],
  ["randomNormal__op", "normal"],
  ["randomStandardNormal__op", "normal"],
  ["truncatedNormal__op", "truncatedNormal"],
]);

/** One random tensor of one step: `size` neighbouring numbers of a pool, from an offset that is fed for every step. */
export interface Draw {
  readonly distribution: Distribution;
  readonly size: number;
  /** The graph input of shape [1], int32. */
  readonly offset: Value;
}

/**
 * Recognises random tensors while a model is traced. The backend sees only finished values; but which of them came from Math.random is
 * known, because this object stands in for it, and so is the distribution: the values are compared with those that tfjs draws from the
 * same seed with standard parameters.
 *
 * A tensor that was drawn with a seed of the user's own is the same in every step, as it is in tfjs, and stays a constant.
 */
export class RandomDraws {
  readonly #g: GraphBuilder;
  readonly draws: Draw[] = [];
  readonly pools = new Map<Distribution, Value>();
  #seeds: number[] = [];
  #isReference = false;
  #reference: ArrayLike<number> | undefined;
  readonly #stream = uniformStream(0);

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  /** In place of Math.random. */
  readonly random = (): number => {
    const seed = this.#stream();
    this.#seeds.push(seed);
    return seed;
  };

  /** @returns the random value that stands for `values`; undefined when they are ordinary values */
  recognise(scope: string | undefined, values: ArrayLike<number>, shape: Shape, dtype: string): Value | undefined {
    if (this.#isReference) {
      this.#reference = values;
      return undefined;
    }
    if (this.#seeds.length === 0) return undefined;
    const [seed] = this.#seeds;
    const isOne = this.#seeds.length === 1;
    this.#seeds = [];
    const distribution = distributions.get(scope ?? "");
    const operation = scope?.replace("__op", "") ?? "code";
    if (distribution === undefined || seed === undefined || !isOne) {
      throw untraceable("random", `random numbers of ${operation}, which cannot be replayed`, { operation });
    }
    if (dtype !== "float32") {
      throw untraceable("random", `random numbers of ${operation} as ${dtype}; only float32 can be replayed`, {
        operation,
      });
    }
    const standard = this.#standard(distribution, values.length, seed);
    const parameters = fitLine(standard, values);
    if (parameters === undefined) {
      throw untraceable("random", `random numbers of ${operation} of an unknown distribution`, { operation });
    }
    return this.#draw(distribution, shape, parameters);
  }

  /** @throws when Math.random was asked outside of any random operation */
  finish(): void {
    if (this.#seeds.length === 0) return;
    throw untraceable("random", "code of its own that asks Math.random: its numbers would be the same in every step");
  }

  #standard(distribution: Distribution, length: number, seed: number): ArrayLike<number> {
    const tf = loadCore();
    this.#isReference = true;
    try {
      if (distribution === "uniform") tf.randomUniform([length], 0, 1, "float32", seed).dispose();
      else if (distribution === "normal") tf.randomNormal([length], 0, 1, "float32", seed).dispose();
      else tf.truncatedNormal([length], 0, 1, "float32", seed).dispose();
    } finally {
      this.#isReference = false;
      this.#seeds = [];
    }
    return this.#reference ?? [];
  }

  #draw(distribution: Distribution, shape: Shape, { scale, shift }: Line): Value {
    const g = this.#g;
    const size = sizeOf(shape);
    const pool = this.pools.get(distribution) ?? g.input(`pool/${distribution}`, "float32", [declaredPoolLength]);
    this.pools.set(distribution, pool);
    const offset = g.input(`offset/${this.draws.length}`, "int32", [1]);
    this.draws.push({ distribution, size, offset });
    const end = add(g, offset, g.splat(size, "int32", [1]));
    const axis = g.splat(0, "int32", [1]);
    const drawn = g.node("Slice", [pool, offset, end, axis], { dtype: "float32", shape: [size] });
    const scaled = add(g, mul(g, drawn, g.scalar(scale)), g.scalar(shift));
    return reshape(g, scaled, shape);
  }
}

/** The length of pools is decided when all draws are known and is open in the file; nothing depends on this number. */
const declaredPoolLength = 2 ** 18;

export interface Line {
  readonly scale: number;
  readonly shift: number;
}

/** The line that maps all of `from` to `to` within float32's rounding; undefined when there is none. */
export function fitLine(from: ArrayLike<number>, to: ArrayLike<number>): Line | undefined {
  let low = 0;
  let high = 0;
  for (let i = 1; i < from.length; i += 1) {
    if ((from[i] ?? 0) < (from[low] ?? 0)) low = i;
    if ((from[i] ?? 0) > (from[high] ?? 0)) high = i;
  }
  const at = (values: ArrayLike<number>, index: number): number => values[index] ?? 0;
  const span = at(from, high) - at(from, low);
  const raw = span === 0 ? 1 : (at(to, high) - at(to, low)) / span;
  const scale = nice(raw);
  const shift = nice(at(to, low) - scale * at(from, low));
  const tolerance = 1e-5 * (Math.abs(scale) + Math.abs(shift));
  for (let i = 0; i < from.length; i += 1) {
    if (Math.abs(at(to, i) - (scale * at(from, i) + shift)) > tolerance) return undefined;
  }
  return { scale, shift };
}

/** The number of few digits that was meant, as 0.1 where rounding left 0.10000001. */
function nice(value: number): number {
  const rounded = Number(value.toPrecision(5));
  return Math.abs(rounded - value) <= 2e-6 * Math.max(1, Math.abs(value)) ? rounded : value;
}
